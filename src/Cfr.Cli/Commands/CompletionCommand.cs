using System.CommandLine;

namespace Cfr.Cli.Commands;

/// <summary><c>cfr completion SHELL</c>: the script with which a shell completes commands and options of <c>cfr</c>.</summary>
static class CompletionCommand
{
    /// <summary>Each asks <c>cfr "[suggest:POSITION]" LINE</c>, which prints what may stand at that place, a line each.</summary>
    static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            # cfr completion for bash: put it where bash-completion looks, or source it in ~/.bashrc.
            _cfr() {
                local word="${COMP_WORDS[COMP_CWORD]}" IFS=$'\n'
                COMPREPLY=( $(compgen -W "$(cfr "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word") )
            }
            complete -o default -F _cfr cfr
            """,
        ["zsh"] = """
            #compdef cfr
            # cfr completion for zsh: put it as _cfr into a folder of $fpath, or source it after compinit.
            _cfr() {
                local -a found
                found=("${(@f)$(cfr "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
            }
            compdef _cfr cfr
            """,
        ["fish"] = """
            # cfr completion for fish: put it into ~/.config/fish/completions/cfr.fish.
            complete -c cfr -a '(cfr "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
            """,
        ["pwsh"] = """
            # cfr completion for PowerShell: add it to $PROFILE.
            Register-ArgumentCompleter -Native -CommandName cfr -ScriptBlock {
                param($word, $line, $position)
                cfr "[suggest:$position]" "$line" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = string.Join(", ", Scripts.Keys) };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        var command = new Command("completion", "Prints the script with which a shell completes commands and options.") { shell };
        command.SetAction(arguments =>
        {
            Console.Out.Write(Scripts[arguments.GetValue(shell)!] + "\n");
            return ExitCode.Done;
        });
        return command;
    }
}
