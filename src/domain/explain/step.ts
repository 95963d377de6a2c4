import { type Reason, reasons } from '../status/reason.ts'
import { isReason } from './job-fact.ts'

/** The way of a change, in its order: from a tag in a registry or a commit in git to running pods. */
export const stepNames = ['tag', 'policy', 'commit', 'revision', 'queue', 'hold', 'apply', 'rollout'] as const
export type StepName = (typeof stepNames)[number]

/**
 * `done`: behind it; `waiting`: goes on by itself; `stopped`: does not, or fails; `skipped`: no part of this way; `unknown`: nobody
 * can tell, and nothing depends on it.
 */
export type StepState = 'done' | 'waiting' | 'stopped' | 'skipped' | 'unknown'

/** One step, and what is known of it. */
export type Step = {
  step: StepName
  /** The image, source, release or workload that it is about. */
  of: string
  state: StepState
  /** RFC 3339: when it was done or seen so; empty when nobody knows. */
  at: string
  /** Why it does not go on; empty where it does. */
  reason: Reason | ''
  /** One sentence for people. */
  message: string
  /** The command that unblocks it; empty where there is none. */
  command: string
  /** RFC 3339: when it is tried next; empty when it is not tried by itself or nobody knows. */
  nextTryAt: string
}

/** The first thing that stands in the way, and what to do about it. */
export type Cause = Pick<Step, 'step' | 'of' | 'at' | 'message' | 'command' | 'nextTryAt'> & {
  reason: Reason
  /** What it takes, in words for people. */
  unblock: string
}

/** How far something came: where all is `done` there is no cause. */
export type Verdict = { state: 'done' | 'waiting' | 'stopped'; cause?: Cause }

/** A step; what is not given is empty. */
export function makeStep(
  step: StepName,
  of: string,
  state: StepState,
  parts: Partial<Omit<Step, 'step' | 'of' | 'state'>> = {},
): Step {
  return { step, of, state, at: '', reason: '', message: '', command: '', nextTryAt: '', ...parts }
}

/**
 * The one first cause (law 7): the first step that is stopped, for what waits behind it waits for that; where none is, the first that
 * waits.
 */
export function verdictOf(steps: readonly Step[]): Verdict {
  const first = steps.find(({ state }) => state === 'stopped') ?? steps.find(({ state }) => state === 'waiting')
  if (!first) return { state: 'done' }
  const { step, of, at, message, command, nextTryAt } = first
  const reason = first.reason || 'NotReady'
  // what another version has left behind may have words that this one does not know
  const unblock = isReason(reason) ? reasons[reason][1] : ''
  const cause: Cause = { step, of, at, message, command, nextTryAt, reason, unblock }
  return { state: first.state === 'stopped' ? 'stopped' : 'waiting', cause }
}
