/** The sign of the product: a line that moves. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="currentColor" />
      <path d="M5 17h6l3-8 5 14 3-6h5" class="mark-line" />
    </svg>
  );
}
