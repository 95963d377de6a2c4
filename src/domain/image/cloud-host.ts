/** A registry of a cloud that gives logins to its own machines. */
export type CloudHost =
  | { cloud: 'ecr'; account: string; region: string; domain: 'amazonaws.com' | 'amazonaws.com.cn' }
  | { cloud: 'google' }
  | { cloud: 'azure' }

/** Which registries of ECR are scanned (flux-v1 §14). */
export type EcrFilter = {
  /** Of `--registry-ecr-region`, else the one that we run in; none means that ECR is not scanned. */
  regions: readonly string[]
  /** Accounts; empty means all. */
  include: readonly string[]
  /** Goes before `include`. */
  exclude: readonly string[]
}

const ecrHost = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]{1,40})\.(amazonaws\.com(?:\.cn)?)$/
const googleHost = /^(?:[a-z0-9-]+\.)*gcr\.io$|^[a-z0-9-]+-docker\.pkg\.dev$/
const azureHost = /^[a-z0-9-]+\.azurecr\.(?:io|cn|de|us)$/

/** Whose registry a host is; undefined for any other. A host with a port is nobody's: a cloud's login is for its own place alone. */
export function cloudOf(host: string): CloudHost | undefined {
  const [, account, region, domain] = ecrHost.exec(host) ?? []
  if (account !== undefined && region !== undefined) {
    return { cloud: 'ecr', account, region, domain: domain === 'amazonaws.com.cn' ? domain : 'amazonaws.com' }
  }
  if (googleHost.test(host)) return { cloud: 'google' }
  return azureHost.test(host) ? { cloud: 'azure' } : undefined
}

/** Whether a host may be scanned as far as ECR is concerned; any other host may. */
export function isScannedEcr(host: string, { regions, include, exclude }: EcrFilter): boolean {
  const found = cloudOf(host)
  if (found?.cloud !== 'ecr') return true
  const { account, region } = found
  return regions.includes(region) && !exclude.includes(account) && (include.length === 0 || include.includes(account))
}
