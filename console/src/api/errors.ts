/** Code is the name of a gRPC code, as the server's answers number them. */
const codes = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
] as const
export type Code = (typeof codes)[number]

/** Status is a refusal as the gateway writes it. */
export type Status = { code?: number; message?: string; details?: Detail[] }
type Detail = { '@type'?: string; reason?: string; metadata?: Record<string, string>; retryDelay?: string; fieldViolations?: Violation[] }
export type Violation = { field?: string; description?: string }

/** ApiError is a call that was refused or got no answer. */
export class ApiError extends Error {
  readonly code: Code
  /** reason and metadata of the ErrorInfo, if there is one. */
  readonly reason: string
  readonly metadata: Record<string, string>
  /** violations name the fields of the request that are wrong. */
  readonly violations: Violation[]
  /** retryAfter is in seconds; undefined: trying again may not help. */
  readonly retryAfter: number | undefined

  constructor(status: Status, readonly requestId: string, readonly httpStatus: number) {
    super(status.message || 'The server gave no reason.')
    this.name = 'ApiError'
    this.code = codes[status.code ?? 2] ?? 'UNKNOWN'
    const find = (type: string) => status.details?.find((d) => d['@type']?.endsWith(type))
    this.reason = find('google.rpc.ErrorInfo')?.reason ?? ''
    this.metadata = find('google.rpc.ErrorInfo')?.metadata ?? {}
    this.violations = find('google.rpc.BadRequest')?.fieldViolations ?? []
    const delay = find('google.rpc.RetryInfo')?.retryDelay
    this.retryAfter = delay === undefined ? undefined : Number.parseFloat(delay)
  }
}

/** offline is the error of a call that did not reach the server. */
export const offline = (): ApiError => new ApiError({ code: 14, message: 'The server cannot be reached.' }, '', 0)

export const isApiError = (e: unknown, code?: Code): e is ApiError => e instanceof ApiError && (code === undefined || e.code === code)

/** isConflict tells whether somebody else changed meanwhile what the call relied on. */
export const isConflict = (e: unknown): boolean =>
  isApiError(e, 'ABORTED') || (isApiError(e, 'FAILED_PRECONDITION') && (e.reason.includes('PRECONDITION') || e.message.includes('version')))

/** isRefused tells whether a permission is missing. */
export const isRefused = (e: unknown): boolean => isApiError(e, 'PERMISSION_DENIED')

/** takesAway tells whether an error means that what was shown must not be shown any more: it is refused by now, or gone. */
export const takesAway = (e: unknown): boolean => isRefused(e) || isApiError(e, 'NOT_FOUND')
