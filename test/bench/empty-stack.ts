import { setup, teardown } from '../stack/setup.ts'

/**
 * A control plane that nobody has used. Each side of a comparison gets its own: an API server counts all addresses of Services anew for
 * each that it makes, and its controllers go on for minutes with thousands of new Deployments, so who comes second would pay for both.
 */
export async function emptyStack(): Promise<void> {
  await teardown()
  await setup()
}
