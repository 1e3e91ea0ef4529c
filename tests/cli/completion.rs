//! `ktk completion`: the scripts, in the shells that they are for.

use ktk_tests::Place;

/// What bash offers for the line, as a person who presses the tabulator twice would see it.
fn bash(place: &Place, line: &str) -> Vec<String> {
    let bin = place.binary().parent().unwrap().display();
    let script = format!(
        "PATH={bin}:$PATH; source <(ktk completion bash) || exit 9
         COMP_LINE=\"{line}\"; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9
         read -ra COMP_WORDS <<<\"$COMP_LINE\"; [[ $COMP_LINE == *\" \" ]] && COMP_WORDS+=(\"\")
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         complete=$(complete -p ktk | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
         $complete ktk \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    place.file("complete.bash", script);
    let output = place.program("bash complete.bash").output().code(0);
    assert_eq!(output.stderr, "", "completion says nothing");
    output.stdout.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn bash_completes_verbs_types_and_names() {
    let place = Place::started();
    for name in ["build-api", "build-web", "test"] {
        place.ok(&format!("run --name {name} -- true"));
    }
    let verbs = bash(&place, "ktk re");
    assert_eq!(verbs, ["replace", "restart", "resume"]);
    // A flag's value that is called as a verb is none.
    assert_eq!(bash(&place, "ktk -n wait get pipel"), ["pipelines"]);
    assert!(bash(&place, "ktk help re").contains(&"restart".to_owned()));
    assert!(bash(&place, "ktk get ").contains(&"tasks".to_owned()), "{:?}", bash(&place, "ktk get "));
    assert_eq!(bash(&place, "ktk get task build"), ["build-api", "build-web"]);
    assert_eq!(bash(&place, "ktk restart te"), ["test"]);
    assert_eq!(bash(&place, "ktk logs build-a"), ["build-api"]);
}

/// What fish offers for the line.
fn fish(place: &Place, line: &str) -> Vec<String> {
    let bin = place.binary().parent().unwrap().display();
    let script = format!("set -gx PATH {bin} $PATH; ktk completion fish | source; complete -C \"{line}\"");
    let output = place.program("fish --no-config -c").arg(script).output().code(0);
    assert_eq!(output.stderr, "", "completion says nothing");
    let words = output.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
    words.collect()
}

/// What stands on zsh's line after the tabulator was pressed once behind this.
fn zsh(place: &Place, line: &str) -> String {
    let bin = place.binary().parent().unwrap().display();
    let script = format!(
        r#"zmodload zsh/zpty; export PATH={bin}:$PATH TERM=dumb
        zpty t zsh -f -i
        zpty -w t 'autoload -Uz compinit; compinit -u -D; source <(ktk completion zsh); unsetopt beep; report() {{ print -r -- "LI""NE<$BUFFER>"; BUFFER=; zle .accept-line }}; zle -N report; bindkey "^X" report; print REA""DY'
        zpty -r t seen '*READY*' || exit 9
        zpty -w -n t $'{line}	'
        zpty -r t seen '*LINE<*>*' || exit 8
        print -r -- "${{${{seen##*LINE<}}%%>*}}""#
    );
    place.file("complete.zsh", script);
    place.program("zsh -f complete.zsh").output().code(0).stdout.trim().to_owned()
}

#[test]
fn fish_and_zsh_complete_too() {
    let place = Place::started();
    for name in ["build-api", "build-web", "test"] {
        place.ok(&format!("create task {name} --external"));
    }
    assert_eq!(fish(&place, "ktk res"), ["restart", "resume"]);
    assert_eq!(fish(&place, "ktk get task build"), ["build-api", "build-web"]);
    assert_eq!(fish(&place, "ktk get tasks,pi"), ["tasks,pipelines"]);
    for (line, completed) in [
        ("ktk get pipel", "ktk get pipelines"),
        ("ktk restart te", "ktk restart test"),
        ("ktk describe task/build-a", "ktk describe task/build-api"),
        ("ktk get tasks -o jsonp", "ktk get tasks -o jsonpath"),
    ] {
        assert!(zsh(&place, line).starts_with(completed), "{line}: {}", zsh(&place, line));
    }
}

#[test]
fn what_flags_take_is_completed() {
    let place = Place::new();
    place.file("../home/.config/ktk/config.yaml", "contexts:\n- {name: lab}\n- {name: work}\n");
    place.start();
    place.ok("create task a --external --label team=media --label tier=web");
    place.ok("create task b --external --label team=data -n ci");
    place.ok("create queue gpu");
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  \
         - {name: fetch, external: {}}\n  - {name: build, needs: [fetch], external: {}}\n",
    );
    place.ok("create -f p.yaml");
    for (line, offered) in [
        ("ktk get tasks -n c", &["ci"][..]),
        ("ktk get tasks --namespace d", &["default"]),
        ("ktk get tasks -l te", &["team"]),
        ("ktk get tasks -l ti", &["tier"]),
        ("ktk get tasks -L tier,te", &["tier,team"]),
        ("ktk get tasks --field-selector status.ph", &["status.phase="]),
        ("ktk get tasks --sort-by .metadata.creat", &[".metadata.createdAt", ".metadata.createdBy"]),
        ("ktk get queues --sort-by spec.p", &["spec.paused"]),
        ("ktk explain task.spec.ret", &["task.spec.retry"]),
        ("ktk create task x --need a", &["a"]),
        ("ktk logs pipeline/p --step f", &["fetch"]),
        ("ktk restart pipeline p --from b", &["build"]),
        ("ktk help exit", &["exit-codes"]),
        ("ktk config use-context l", &["lab", "local"]),
        ("ktk --context w", &["work"]),
        ("ktk pause queue/g", &["queue/gpu"]),
        ("ktk delete tasks,pi", &["tasks,pipelines"]),
    ] {
        assert_eq!(bash(&place, line), offered, "{line}");
    }
    assert_eq!(fish(&place, "ktk get tasks --field-selector status.phase=Fa"), ["status.phase=Failed"]);
    assert_eq!(fish(&place, "ktk get tasks -l team="), ["team=media"]);
}

#[test]
fn without_a_server_it_is_silent_and_starts_none() {
    let place = Place::new();
    assert_eq!(bash(&place, "ktk get task bu"), Vec::<String>::new());
    assert_eq!(bash(&place, "ktk res"), ["restart", "resume"]);
    for line in [
        "ktk logs x",
        "ktk get tasks -n x",
        "ktk get tasks -l x",
        "ktk create task x --need g",
        "ktk logs pl/p --step x",
        "ktk --server http://127.0.0.1:1 get task x",
    ] {
        assert_eq!(bash(&place, line), Vec::<String>::new(), "{line}");
    }
    assert_eq!(fish(&place, "ktk get task bu"), Vec::<String>::new());
    assert_eq!(zsh(&place, "ktk get task bu"), "ktk get task bu");
    assert!(!place.data().exists());
}

#[test]
fn each_shell_has_its_script() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(place.ok(&format!("completion {shell}")).contains("ktk"), "{shell}");
    }
    let hint = "hint: shells are bash, elvish, fish, powershell, zsh\n";
    place.ktk("completion").is(2, "", &format!("error: Shell not specified.\n{hint}"));
    place.ktk("completion nosuch").is(2, "", &format!("error: Unsupported shell type \"nosuch\".\n{hint}"));
    assert!(!place.data().exists());
    for (shell, check) in [("zsh", "zsh -n"), ("fish", "fish --no-execute"), ("bash", "bash -n")] {
        place.file("script", place.ok(&format!("completion {shell}")));
        place.program(&format!("{check} script")).output().code(0);
    }
}
