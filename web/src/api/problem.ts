/** Every way a request can go wrong, as one error: RFC 9457 where the server says it so. */

export interface FieldError {
  field: string;
  message: string;
}

export class Problem extends Error {
  /** The HTTP status; 0 when no answer came at all. */
  readonly status: number;
  readonly errors: readonly FieldError[];
  /** What a 412 says the thing is now; undefined otherwise. */
  readonly current: unknown;

  constructor(status: number, message: string, errors: readonly FieldError[] = [], options?: ErrorOptions & { current?: unknown }) {
    super(message, options);
    this.status = status;
    this.errors = errors;
    this.current = options?.current;
  }

  get isRefusal(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body = await response.json().catch(() => null);
  const said = body?.detail || body?.title;
  const message = typeof said === "string" ? said : unsaid(response.status);
  const errors = Array.isArray(body?.errors) ? body.errors.filter(isFieldError) : [];
  return new Problem(response.status, message, errors, { current: body?.current });
}

/** Of the gateway, whose own words say nothing: whoever it does not let in, it does not tell why. */
function unsaid(status: number): string {
  return status === 403 ? "This token may not do that, or is not good any more." : `The server answered ${status}.`;
}

export function unreachable(cause: unknown): Problem {
  const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
  const message = isLate ? "The server did not answer in time." : "The server cannot be reached.";
  return new Problem(0, message, [], { cause });
}

function isFieldError(value: unknown): value is FieldError {
  const error = value as FieldError | null;
  return typeof error?.field === "string" && typeof error.message === "string";
}
