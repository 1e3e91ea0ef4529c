//! `ktk explain` and `ktk api-resources`: what types there are and what they are made of. Both ask no server.

use ktk_tests::Place;

#[test]
fn a_kind_and_its_fields_are_explained_without_a_server() {
    let place = Place::new();
    for word in ["task", "tasks", "T", "Task"] {
        let text = place.ok(&format!("explain {word}"));
        assert!(
            text.starts_with("GROUP:      ktk\nKIND:       Task\nVERSION:    v1\n\nDESCRIPTION:\n"),
            "{text}"
        );
        assert!(text.contains("\nFIELDS:\n  apiVersion\t<string> -required-\n"), "{text}");
        assert!(text.contains("\n  spec\t<TaskSpec> -required-\n"), "{text}");
    }
    let text = place.ok("explain pipeline.spec.steps.retry.limit -o plaintext");
    assert!(text.contains("\nFIELD: limit <integer>\n"), "{text}");
    let text = place.ok("explain task.spec.runIf");
    assert!(text.contains("\nENUM:\n    success\n    failure\n    always\n"), "{text}");
    let tree = place.ok("explain task --recursive");
    assert!(tree.contains("\n    run\t<RunSpec>\n      command\t<[]string>\n"), "{tree}");
    assert!(!place.data().exists());
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    let place = Place::new();
    place.ktk("explain task.spec.tiemout").is(
        2,
        "",
        "error: field \"tiemout\" does not exist\nhint: did you mean \"timeout\"?\n",
    );
    place.ktk("explain queue.spec.nosuch.more").is(
        2,
        "",
        "error: field \"nosuch\" does not exist\nhint: there are maxRunning, paused\n",
    );
    place.ktk("explain taks").is(
        2,
        "",
        "error: the server doesn't have a resource type \"taks\"\nhint: did you mean \"tasks\"?\n",
    );
    place.ktk("explain task -o html").code(2).says("'html'");
    place.ktk("explain").code(2);
}

#[test]
fn types_are_listed_without_a_server() {
    let place = Place::new();
    place.ktk("api-resources").is(
        0,
        "NAME         SHORTNAMES      APIVERSION   NAMESPACED   KIND\n\
         tasks        t               ktk/v1       true         Task\n\
         pipelines    pl              ktk/v1       true         Pipeline\n\
         queues       q               ktk/v1       false        Queue\n\
         semaphores   sem             ktk/v1       false        Semaphore\n\
         tasktypes    tt,type,types   ktk/v1       false        TaskType\n\
         tokens       tok             ktk/v1       false        Token\n\
         nodes        no              ktk/v1       false        Node\n\
         events       ev              ktk/v1       true         Event\n",
        "",
    );
    place.ktk("api-resources --namespaced=false --sort-by=name -o name").is(
        0,
        "nodes\nqueues\nsemaphores\ntasktypes\ntokens\n",
        "",
    );
    place.ktk("api-resources --namespaced --verbs=list,delete -o name").is(0, "tasks\npipelines\n", "");
    let wide = place.ok("api-resources --categories=all -o wide --no-headers");
    assert!(wide.starts_with("tasks       t     ktk/v1   true   Task"), "{wide}");
    assert!(wide.lines().all(|line| line.contains(",list,") && line.ends_with(" all")), "{wide}");
    place.ktk("api-resources --verbs=nosuch").is(0, "", "No resources found\n");
    place.ktk("api-resources --sort-by=size").code(2).says("'size'");
    let json = place.ktk("api-resources -o json").code(0).json();
    assert_eq!(json["items"][0]["shortNames"][0], "t");
    assert!(!place.data().exists());
}

/// What a script does with it: each type that is listed can be asked for.
#[test]
fn each_type_that_can_be_listed_is() {
    let place = Place::started();
    for name in place.ok("api-resources --verbs=list -o name").lines() {
        place.ktk(&format!("get {name}")).code(0);
        place.ktk(&format!("explain {name}")).code(0);
    }
}
