/** What fluxd answers for people: printed below `== Error ==`. */
export class FluxProblem extends Error {
  override readonly name = 'FluxProblem'
}

/** Anything else that ends a verb: printed as `Error: …` with the hint to its help. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** The time of `--timeout` is over. */
export class Timeout extends Failure {
  constructor() {
    super('timeout')
  }
}
