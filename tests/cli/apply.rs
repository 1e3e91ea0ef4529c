//! `ktk apply`: task types, as sets.

use ktk_tests::Place;

const RESIZE: &str = "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: resize}\nspec:\n  version: 3\n  \
     run: {command: [echo, \"{{ inputs.width }}\"]}\n  inputs: {properties: {width: {type: integer}}}\n  \
     defaults: {inputs: {width: 200}}\n";

#[test]
fn a_set_of_types_is_applied_used_and_pruned() {
    let place = Place::started();
    place.file("types/resize.yaml", RESIZE);
    place.file(
        "types/crop.yaml",
        "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: crop}\nspec: {external: {}}\n",
    );
    place.ktk("apply -f types/ --source media").is(
        0,
        "tasktype/crop@1 created\ntasktype/resize@3 created\n",
        "",
    );
    place.ktk("apply -f types/ --source media").is(
        0,
        "tasktype/crop@1 unchanged\ntasktype/resize@3 unchanged\n",
        "",
    );
    place.ktk("get types").is(
        0,
        "NAME     VERSION   NEWEST   EXECUTOR   SOURCE   AGE\n\
         crop     1         yes      external   media    <age>\n\
         resize   3         yes      process    media    <age>\n",
        "",
    );
    place.file(
        "task.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: small}\nspec: {type: resize, inputs: {width: 7}}\n",
    );
    place.ktk("run -f task.yaml").code(0).prints("7");
    assert_eq!(place.field("task", "small", "/spec/type"), "resize@3");
    std::fs::remove_file(place.work().join("types/crop.yaml")).unwrap();
    place.ktk("apply -f types/ --source media --prune --dry-run").is(
        0,
        "tasktype/resize@3 unchanged (dry run)\ntasktype/crop@1 pruned (dry run)\n",
        "",
    );
    place.ktk("apply -f types/ --source media --prune").code(0);
    place.ktk("get types -o name").is(0, "tasktype/resize\n", "");
    place.ktk("describe type resize@3").code(0).prints("Executor:");
    place.ktk("delete type resize@3").is(0, "tasktype \"resize@3\" deleted\n", "");
}

#[test]
fn wrong_types_are_refused_with_their_place() {
    let place = Place::started();
    place.file("bad.yaml", RESIZE.replace("type: integer", "type: whole"));
    place.ktk("apply -f bad.yaml").code(7).says("bad.yaml:7:").says("is no JSON Schema");
    place.file("good.yaml", RESIZE);
    place.ktk("apply -f good.yaml").code(0);
    place.file(
        "task.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: small}\nspec:\n  type: resize\n  inputs: {width: wide}\n",
    );
    place
        .ktk("create -f task.yaml")
        .code(7)
        .says("task.yaml:6:19")
        .says("\"wide\" is not of type \"integer\" (rule /properties/width/type of its type)");
    place.ktk("apply -f task.yaml").code(7).says("apply takes task types");
    place.ktk("apply -f good.yaml --prune").code(2);
}
