/** Largest upload of a folder, in bytes. Apart from the schemas, which who uploads does not need. */
export const mostUploadBytes = 10 * 1024 * 1024
