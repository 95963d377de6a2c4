const names = new Set([
  'PATH',
  'SOPS_AGE_KEY',
  'SOPS_AGE_KEY_FILE',
  'SOPS_AGE_SSH_PRIVATE_KEY_FILE',
  'SOPS_DECRYPTION_ORDER',
  'SOPS_GCP_KMS_CLIENT_TYPE',
  'SOPS_GCP_KMS_ENDPOINT',
  'SOPS_GCP_KMS_UNIVERSE_DOMAIN',
  'GNUPGHOME',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'GOOGLE_CREDENTIALS',
  'GOOGLE_OAUTH_ACCESS_TOKEN',
  'CLOUDSDK_CONFIG',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'no_proxy',
])
/** Clients of key services have dozens of settings, all under one prefix each. */
const prefixes = ['AWS_', 'AZURE_', 'VAULT_', 'HUAWEICLOUD_SDK_']

/**
 * What sops may see of the operator's environment: where keys and key services are, proxies and certificate authorities. Nothing
 * that names a program to run. `home` is a private folder: keys lie only where a variable says so.
 */
export function sopsEnvironment(
  operator: Readonly<Record<string, string | undefined>>,
  home: string,
): Record<string, string> {
  const allowed = Object.entries(operator).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (names.has(entry[0]) || prefixes.some((prefix) => entry[0].startsWith(prefix))),
  )
  return { ...Object.fromEntries(allowed), HOME: home }
}

/**
 * What sops sees where the keys are not the operator's: these keys and where programs are. No login of a key service, and no way to
 * one, should a file name it.
 */
export function ownKeysEnvironment(
  { PATH = '', HOME = '' }: Readonly<Record<string, string>>,
  { age, gnupgHome }: { age: readonly string[]; gnupgHome?: string },
): Record<string, string> {
  const nowhere = 'http://127.0.0.1:9'
  return {
    PATH,
    HOME: gnupgHome ?? `${HOME}-nobody`,
    GNUPGHOME: gnupgHome ?? `${HOME}-nobody`,
    SOPS_AGE_KEY: age.join('\n'),
    AWS_EC2_METADATA_DISABLED: 'true',
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
  }
}
