// What a shell is given. It asks `slipway __complete` for each completion, so that it knows what this version of the program knows,
// and the names that there are now. Answers are lines of a text, a tab and what it is; the last line says whether file names fit too.

/** Shells take `:` and `=` for ends of words; the bash one gets the line whole, and hands back what follows the last of these. */
const BASH = String.raw`# bash completion for slipway: source <(slipway completion bash)
_slipway() {
    local line=${'$'}{COMP_LINE:0:COMP_POINT} directive token cut candidate
    local -a answer
    COMPREPLY=()
    mapfile -t answer < <(slipway __complete --line -- "$line" 2>/dev/null)
    [ ${'$'}{#answer[@]} -gt 0 ] || return 0
    directive=${'$'}{answer[-1]}
    unset 'answer[-1]'
    token=${'$'}{line##*[[:space:]]}
    cut=${'$'}{token%"${'$'}{token##*[:=]}"}
    case $directive in
        :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${'$'}{token##*=}"); return 0 ;;
        :folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${'$'}{token##*=}"); return 0 ;;
    esac
    for candidate in "${'$'}{answer[@]}"; do
        candidate=${'$'}{candidate%%$'\t'*}
        COMPREPLY+=("${'$'}{candidate#"$cut"}")
    done
}
complete -F _slipway slipway
`;

const ZSH = String.raw`#compdef slipway
# zsh completion for slipway: source <(slipway completion zsh)
_slipway() {
    local -a answer described
    local directive line
    answer=("${'$'}{(@f)$(slipway __complete -- "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=${'$'}answer[-1]
    answer[-1]=()
    case $directive in
        :files) compset -P '*='; _files; return ;;
        :folders) compset -P '*='; _files -/; return ;;
    esac
    for line in $answer; do
        described+=("${'$'}{${'$'}{line%%$'\t'*}//:/\\:}:${'$'}{line#*$'\t'}")
    done
    _describe slipway described
}
compdef _slipway slipway
`;

const FISH = String.raw`# fish completion for slipway: slipway completion fish | source
function __slipway_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l answer (slipway __complete -- $words[2..-1] "$token" 2>/dev/null)
    test (count $answer) -gt 0; or return
    switch $answer[-1]
        case :files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$token")
        case :folders
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$token")
        case '*'
            string join \n -- $answer[1..-2]
    end
end
complete -c slipway -f -a '(__slipway_complete)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
