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
    assert_eq!(verbs, ["restart", "resume"]);
    assert!(bash(&place, "ktk get ").contains(&"tasks".to_owned()), "{:?}", bash(&place, "ktk get "));
    assert_eq!(bash(&place, "ktk get task build"), ["build-api", "build-web"]);
    assert_eq!(bash(&place, "ktk restart te"), ["test"]);
    assert_eq!(bash(&place, "ktk logs build-a"), ["build-api"]);
}

#[test]
fn without_a_server_it_is_silent_and_starts_none() {
    let place = Place::new();
    assert_eq!(bash(&place, "ktk get task bu"), Vec::<String>::new());
    assert_eq!(bash(&place, "ktk res"), ["restart", "resume"]);
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
