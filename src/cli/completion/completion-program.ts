import { Argument, type Command } from 'commander'
import type { Output } from '../print/style.ts'
import { completionScript, type Shell, shells } from './scripts.ts'

/** `capstan completion`. */
export function addCompletion(program: Command, out: Output): void {
  program
    .command('completion')
    .description('the script by which a shell completes verbs, flags and names')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(capstan completion bash)    in ~/.bashrc\n  source <(capstan completion zsh)     in ~/.zshrc, after compinit\n  capstan completion fish | source     in ~/.config/fish/config.fish',
    )
    .action((shell: Shell) => {
      out.write(completionScript(shell, 'capstan'))
    })
}
