/// A shell that completes command lines.
public enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    /// The verb that scripts call.
    public static let verb = "__complete"

    /// What the shell has to read to complete the command lines of `program`.
    ///
    /// There is no table of options in it, which could be another version's: it asks `program __complete -- WORD...` at
    /// each tab, and shows what that answers (`Completion.answer`). Words are handed over as arguments; nothing of what
    /// was typed is evaluated, and nothing of what is answered needs a quote. A function of the program's name, as some
    /// have for sudo, is not called.
    public func completionScript(for program: String) -> String {
        switch self {
        case .bash: Self.bashScript(program)
        case .zsh: Self.zshScript(program)
        case .fish: Self.fishScript(program)
        }
    }

    /// Paths are left to readline, which quotes them as they have to be.
    private static func bashScript(_ program: String) -> String {
        #"""
        # How bash completes \#(program)'s command lines. Made by: \#(program) completion bash
        _\#(program)() {
            local rest=${COMP_LINE:0:COMP_POINT} piece blankless
            local -a words=() answer=()
            # Bash has cut at colons and equals signs as well: what no blank separates is one word.
            for piece in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
                blankless=${rest#"${rest%%[![:space:]]*}"}
                if [[ ${#words[@]} -eq 0 || $blankless != "$rest" ]]; then words+=(""); fi
                if ((${#piece} > ${#blankless})); then piece=$blankless; fi
                words[-1]+=$piece
                rest=${blankless#"$piece"}
            done
            COMPREPLY=()
            if [[ ${words[-1]} == [\<\>]* || ${words[-2]-} == *[\<\>] ]]; then
                compopt -o default 2>/dev/null
                return
            fi
            # Only what stands behind the last of them is replaced.
            local breaks=${COMP_WORDBREAKS//[^:=]/} stays=
            if [[ ${words[-1]} == [\"\']* ]]; then
                words[-1]=${words[-1]:1}
            elif [[ -n $breaks ]]; then
                stays=${words[-1]%"${words[-1]##*[$breaks]}"}
            fi
            local program=${COMP_WORDS[0]/#\~\//$HOME/}
            type -P "$program" >/dev/null || program=\#(program)
            mapfile -t answer < <(command "$program" \#(verb) -- "${words[@]:1}" 2>/dev/null)
            case ${answer[0]-} in
            files*) compopt -o default 2>/dev/null ;;
            directories*) compopt -o dirnames 2>/dev/null ;;
            esac
            for piece in "${answer[@]:1}"; do
                piece=${piece%%$'\t'*}
                COMPREPLY+=("${piece#"$stays"}")
            done
        }
        complete -F _\#(program) \#(program)

        """#
    }

    private static func zshScript(_ program: String) -> String {
        #"""
        #compdef \#(program)
        # How zsh completes \#(program)'s command lines. Made by: \#(program) completion zsh
        _\#(program)() {
            local program=${(Q)words[1]/#\~\//$HOME/} line
            local -a before answer how candidates
            (( $+commands[$program] )) || [[ -x $program ]] || program=\#(program)
            if (( CURRENT > 2 )); then before=("${(@Q)words[2,CURRENT-1]}"); fi
            answer=("${(@f)$(command "$program" \#(verb) -- "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}")
            how=("${(@s: :)answer[1]}")
            for line in "${(@)answer[2,-1]}"; do
                # A colon separates a candidate from what is said about it.
                candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
            done
            if (( $#candidates )); then _describe -V \#(program) candidates; fi
            case $how[1] in
            files)
                compset -P "${how[2]-}"
                _files
                ;;
            directories)
                compset -P "${how[2]-}"
                _files -/
                ;;
            esac
        }
        if [[ ${funcstack[1]-} == _\#(program) ]]; then
            _\#(program) "$@"
        else
            compdef _\#(program) \#(program)
        fi

        """#
    }

    /// Files are left to fish, directories to a function of its own.
    private static func fishScript(_ program: String) -> String {
        #"""
        # How fish completes \#(program)'s command lines. Made by: \#(program) completion fish
        function __\#(program)_answer
            set -l words (commandline -opc)
            set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
            type -q -- $program; or set program \#(program)
            command $program \#(verb) -- $words[2..-1] (commandline -ct) 2>/dev/null
        end

        function __\#(program)_asks_for -a what
            set -l answer (__\#(program)_answer)
            string match -q -- "$what*" $answer[1]
        end

        function __\#(program)_words
            set -l answer (__\#(program)_answer)
            set -q answer[2]; and printf '%s\n' $answer[2..-1]
        end

        function __\#(program)_directories
            set -l answer (__\#(program)_answer)
            set -l prefix (string split -m 1 ' ' -- $answer[1])[2]
            set -l path (string replace -- "$prefix" '' (commandline -ct))
            __fish_complete_directories "$path" | string replace -r '^' -- "$prefix"
        end

        complete -c \#(program) -f
        complete -c \#(program) -k -a '(__\#(program)_words)'
        complete -c \#(program) -n '__\#(program)_asks_for files' -F
        complete -c \#(program) -n '__\#(program)_asks_for directories' -a '(__\#(program)_directories)'

        """#
    }
}

extension Completion {
    /// What the scripts read: how paths complete the last word, and what stands in it before the path; then the
    /// candidates, a line each, with a tab before what is said about them.
    public var answer: String {
        let how =
            switch lookUp {
            case .file, .fileOrContainer: "files \(prefix)"
            case .directory: "directories \(prefix)"
            case .nothing, .container, .image, .pod, .podOrContainer, .template, .fileBeforeColon, .choices: "words"
            }
        let lines = candidates.filter { Self.needsNoQuote($0.text) }.map { "\($0.text)\t\($0.summary)" }
        return ([how] + lines).map { $0 + "\n" }.joined()
    }

    /// Whether the text is one word to each shell, and nothing else.
    private static func needsNoQuote(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            byte.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte.lowercased)
                || "-_./:=@+,%".utf8.contains(byte)
        }
    }
}
