/** Milliseconds of processor time that work takes in this thread: they do not pass while others have the machine. */
export function cpuMs(work: () => void): number {
  const begun = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(begun)
  return (user + system) / 1_000
}
