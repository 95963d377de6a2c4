/** Uses the stack that CAPSTAN_TEST_STACK names. */
export default function setup(): void {
  if (!process.env.CAPSTAN_TEST_STACK) throw new Error('CAPSTAN_TEST_STACK is not set')
}
