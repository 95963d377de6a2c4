import { AppError } from '../../domain/error.ts'
import type { RunResult } from '../../lib/run.ts'

/** sops' own exit codes, and what they mean to whoever reads the message. */
const meanings: Readonly<Record<number, string>> = {
  25: 'a value is damaged, or was not encrypted with the key of the file',
  51: 'its seal does not fit; it was changed after it had been encrypted. Encrypt it again with sops',
  52: 'it has no seal (mac); encrypt it again with sops',
  128: 'none of its keys is there, or the service that holds one refused. Give the key to Capstan, or encrypt the file for a key that Capstan has',
}

/** Whether sops says that the file only looks like one of its own. */
export function isWithoutMetadata({ ended, exitCode, stderr }: RunResult): boolean {
  return ended === 'exit' && exitCode !== 0 && stderr.trim().endsWith('sops metadata not found')
}

/** Why sops gave nothing. Its own words stay out: they may quote the file. */
export function decryptFailure(path: string, { ended, exitCode }: RunResult, timeoutMs: number): AppError {
  const details = { file: path, ended, ...(exitCode === undefined ? {} : { exitCode }) }
  return new AppError('DecryptFailed', `${path} cannot be decrypted: ${causeOf(ended, exitCode, timeoutMs)}.`, {
    details,
  })
}

function causeOf(ended: RunResult['ended'], exitCode: number | undefined, timeoutMs: number): string {
  if (ended === 'notFound') return 'the program sops is not there; install sops 3.10 or newer'
  if (ended === 'timeout') return `sops did not end within ${timeoutMs / 1000} seconds; the key service may be slow`
  if (ended === 'tooMuchOutput') return 'it becomes larger than what is read'
  if (ended === 'killed') return 'sops was killed'
  if (ended === 'outOfMemory') return 'there was no memory left for sops'
  return meanings[exitCode ?? -1] ?? `sops ended with ${exitCode}; try sops decrypt with the same keys to see why`
}
