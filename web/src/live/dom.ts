/** The few ways in which the islands write to the page: text nodes and harmless attributes, never markup. */

type SafeAttribute = `aria-${string}` | `data-${string}` | "id" | "role" | "title";

export function make(tag: string, className: string, attributes: Partial<Record<SafeAttribute, string>> = {}): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value as string);
  return element;
}

/** Change text only where it differs: replacing equal text would still drop the reader's selection. */
export function setText(element: HTMLElement, text: string): void {
  const node = element.firstChild as Text | null;
  if (node === null) element.append(text);
  else if (node.data !== text) node.data = text;
}

export function setAttribute(element: HTMLElement, name: SafeAttribute, value: string | null): void {
  if (value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
