import type { CommandModule } from 'yargs';
import { programNames } from './program-names';

const shells = ['bash', 'zsh'] as const;
type Shell = (typeof shells)[number];

/** Under this option the program itself says what may follow the words behind it, one a line. */
const question = 'get-yargs-completions';

export const completionCommand: CommandModule<object, { readonly shell: Shell | undefined }> = {
  command: 'completion [shell]',
  describe: 'Print the script by which a shell completes commands, options and values, of all programs',
  builder: (argv) =>
    argv
      .positional('shell', { choices: shells, describe: 'Which [default: that of the variable SHELL]' })
      .example('$0 completion >> ~/.bashrc', '')
      .example('$0 completion zsh >> ~/.zshrc', ''),
  handler: ({ shell }) => {
    const isZsh = shell === 'zsh' || (shell === undefined && (process.env['SHELL'] ?? '').endsWith('zsh'));
    process.stdout.write(isZsh ? zshScript() : bashScript());
  },
};

/** What a program's name stands for, as the alternatives of a `case` of both shells. */
function cases(): string {
  const named = Object.entries(programNames).filter(([, command]) => command !== '');
  return named.map(([program, command]) => `    ${program}) words=(${command} "\${words[@]}") ;;\n`).join('');
}

function bashScript(): string {
  return `# pcache completion: bash
_pcache_complete() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=("\${COMP_WORDS[@]:1:COMP_CWORD}") known
  case "\${COMP_WORDS[0]##*/}" in
${cases()}  esac
  known="$(SHELL=bash pcache --${question} pcache "\${words[@]}" 2>/dev/null)"
  # Nothing known, a file for instance: the shell completes by itself.
  mapfile -t COMPREPLY < <(compgen -W "$known" -- "$current")
}
complete -o bashdefault -o default -F _pcache_complete ${Object.keys(programNames).join(' ')}
`;
}

function zshScript(): string {
  return `# pcache completion: zsh
_pcache_complete() {
  local program="\${words[1]:t}" known
  local -a words=("\${(@)words[2,CURRENT]}")
  case "$program" in
${cases()}  esac
  known=("\${(@f)$(SHELL=zsh pcache --${question} pcache "\${words[@]}" 2>/dev/null)}")
  # Behind a colon there is a description.
  known=("\${(@)known%%:*}")
  compadd -a known || _files
}
compdef _pcache_complete ${Object.keys(programNames).join(' ')}
`;
}
