//! Tokens: made, shown once, used, deleted; and what somebody may do.

use ktk_tests::Place;

#[test]
fn a_token_is_shown_once_and_alone() {
    let place = Place::started();
    let made = place.ktk("create token ci --role operator --namespaces ci,web --expires 7d");
    let made = made.code(0).says("token/ci created: operator of ci, web, until 2");
    let token = made.stdout.trim().to_owned();
    assert!(token.starts_with("ktkt_") && token.len() == 69, "{token}");
    place.ktk("get tokens").is(
        0,
        "NAME   ROLE       NAMESPACES   EXPIRES   AGE\nci     operator   ci,web       <age>   <age>\n",
        "",
    );
    for line in ["describe token ci", "get token ci -o yaml", "get tokens -o wide", "get tokens -o json"] {
        assert!(!place.ok(line).contains(&token[5..]), "{line}");
    }
    let json = place.ktk("create token two --role viewer --expires never -o json").json();
    assert!(json["token"].as_str().is_some_and(|token| token.starts_with("ktkt_")));
    assert_eq!(json["created"], true);
    place.ktk("create token ci --role viewer").code(5).says("token \"ci\" already exists");
    place.ktk("create token x --role god").code(2).says("god");
    place.ktk("create token x --role worker --namespaces ci").code(7).says("spec.namespaces");
    place.ktk("delete token ci").is(0, "token \"ci\" deleted\n", "");
    place.ktk("get tokens -o name").is(0, "token/two\n", "");
}

#[test]
fn somebody_may_what_their_token_is_for() {
    let place = Place::started();
    let token = place.ok("create token v --role viewer -n ci").trim().to_owned();
    let viewer = |line: &str| place.typed(line).env("KTK_TOKEN", &token).output();
    viewer("auth whoami").is(0, "token/v: viewer of ci, until <time>\n", "");
    viewer("auth can-i get tasks -n ci").is(0, "yes\n", "");
    viewer("auth can-i create tasks -n ci").is(
        1,
        "no - token/v has the role viewer and may not call task.create\n",
        "",
    );
    viewer("auth can-i get tasks").is(1, "no - this token is for namespace ci, not for \"default\"\n", "");
    viewer("auth can-i create tasks -q").is(1, "", "");
    viewer("auth can-i fly tasks").code(2).says("nobody can fly tasks");
    viewer("run -- true").code(125);
    viewer("create task x -- true").code(4);
    viewer("get tasks").code(4).says("this token is for namespace ci");
    viewer("get tasks -n ci").is(0, "", "No resources found in ci namespace.\n");
    viewer("get tokens").code(4);
    place.ktk("auth can-i create tokens").is(0, "yes\n", "");
    place.ok("delete token v");
    viewer("get tasks -n ci").code(4).says("Unauthorized");
}
