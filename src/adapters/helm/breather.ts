import { setImmediate } from 'node:timers/promises'

const sliceMs = 8

/**
 * For long loops: call it at each step and wait for what it gives, if anything; everything else then has its turn when a slice of 8 ms
 * is over (hazard B13). The clock is looked at every `stepsPerLook` steps.
 */
export function breather({ stepsPerLook }: { stepsPerLook: number }): () => Promise<void> | undefined {
  let [steps, since] = [0, performance.now()]
  return () => {
    steps += 1
    if (steps % stepsPerLook !== 0 || performance.now() - since < sliceMs) return undefined
    return setImmediate().then(() => {
      since = performance.now()
    })
  }
}
