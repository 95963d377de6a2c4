/** Shells that a script is written for. */
export const shells = ['bash', 'fish', 'zsh'] as const
export type Shell = (typeof shells)[number]

/**
 * The script that a shell reads at its start. It knows nothing itself: at each TAB it asks the program, with `__complete` and the words
 * so far, for lines of `candidate<TAB>description`.
 */
export function completionScript(shell: Shell, program: string): string {
  return scripts[shell].replaceAll('PROGRAM', program).replaceAll('FUNCTION', `_${program}_complete`)
}

/** True for a shell that there is a script for. */
export function isShell(text: string): text is Shell {
  return (shells as readonly string[]).includes(text)
}

// bash breaks words at colons and equal signs, which names have: the line is split anew, and what stands before the last of them is cut
// off again. It runs on the bash 3.2 of macOS, too.
const bash = `# bash completion of PROGRAM; in ~/.bashrc: source <(PROGRAM completion bash)
FUNCTION() {
  local line=\${COMP_LINE:0:COMP_POINT} words current head candidate
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]}-1]}
  head=\${current%"\${current##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    [[ $candidate == "$current"* ]] && COMPREPLY+=("\${candidate#"$head"}")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F FUNCTION PROGRAM
`

const zsh = `#compdef PROGRAM
# zsh completion of PROGRAM; in ~/.zshrc, after compinit: source <(PROGRAM completion zsh)
FUNCTION() {
  local -a found
  local candidate text
  while IFS=$'\\t' read -r candidate text; do
    found+=("\${candidate//:/\\\\:}\${text:+:$text}")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'PROGRAM' found
  else
    _files
  fi
}
if [[ \${funcstack[1]} == FUNCTION ]]; then
  FUNCTION "$@"
else
  compdef FUNCTION PROGRAM
fi
`

const fish = `# fish completion of PROGRAM; in ~/.config/fish/config.fish: PROGRAM completion fish | source
function FUNCTION
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c PROGRAM -f -a '(FUNCTION)'
`

const scripts: Record<Shell, string> = { bash, zsh, fish }
