const quota = /\bexceeded quota\b/i
const admission =
  /admission webhook "[^"]*" denied the request|ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request|violates PodSecurity/i

/** The word for what the API server said, also where its sentence stands inside of another's; undefined for any other. */
export function refusalOf(message: string): 'QuotaExceeded' | 'AdmissionDenied' | undefined {
  if (quota.test(message)) return 'QuotaExceeded'
  return admission.test(message) ? 'AdmissionDenied' : undefined
}
