//! Every shape in which servers answer, and what is read from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::task::{FieldMap, Numbers, Pointer, Reading, Tasks, Vocabulary};

fn reading() -> Reading {
    let items = ["/data/tasks", "/tasks"].map(|pointer| Pointer::parse(pointer).unwrap());
    Reading { items: items.to_vec(), ..Reading::default() }
}

fn query(reading: Reading) -> Query {
    Query {
        name: "tasks".into(),
        tool: "manage_task".into(),
        arguments: serde_json::Map::new(),
        path: String::new(),
        read_only: true,
        answer: AnswerKind::Tasks,
        reading: Arc::new(reading),
        ttl: Duration::ZERO,
    }
}

fn page_of(reading: Reading, result: &Value) -> Result<TaskPage, Failure> {
    match super::read(&query(reading), &Documents::of_tool_result(result))? {
        Page::Tasks(page) => Ok(page),
        Page::Text(text) => panic!("{text}"),
    }
}

fn titles_with(reading: Reading, result: &Value) -> Result<Vec<String>, Code> {
    let page = page_of(reading, result).map_err(|failure| failure.code)?;
    Ok(page.tasks.into_iter().map(|task| task.title).collect())
}

fn titles(result: &Value) -> Result<Vec<String>, Code> {
    titles_with(reading(), result)
}

fn as_text(value: &Value) -> Value {
    blocks(&[&value.to_string()])
}

fn blocks(texts: &[&str]) -> Value {
    let blocks: Vec<Value> =
        texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
    json!({ "content": blocks, "isError": false })
}

#[test]
fn p18_x30_every_shape_of_a_result_gives_the_same_tasks() {
    let task = json!({ "id": "1", "title": "a" });
    let a = || Ok(vec!["a".to_owned()]);
    let table = [
        (json!({ "structuredContent": { "data": { "tasks": [task] } } }), a()),
        (json!({ "structuredContent": { "result": { "success": true, "tasks": [task] } } }), a()),
        (as_text(&json!({ "success": true, "data": { "tasks": [task] } })), a()),
        (as_text(&json!({ "success": true, "data": { "tasks": task } })), a()),
        (as_text(&json!([task])), a()),
        (
            json!({
                "content": [{ "type": "text", "text": json!({ "tasks": [task] }).to_string() }],
                "structuredContent": { "result": json!({ "tasks": [task] }).to_string() },
            }),
            a(),
        ),
        (json!({ "structuredContent": { "result": [task] } }), a()),
        (json!({ "structuredContent": { "result": json!([task]).to_string() } }), a()),
        (as_text(&json!({ "tasks": { "x-1": { "title": "a" } } })), a()),
        (blocks(&["Here are the tasks:", &json!([task]).to_string()]), a()),
        (blocks(&[&format!("```json\n{}\n```", json!({ "tasks": [task] }))]), a()),
        (
            json!({ "content": [{ "type": "resource",
                "resource": { "uri": "x:y", "text": json!({ "tasks": [task] }).to_string() } }] }),
            a(),
        ),
        (as_text(&json!({ "success": true, "data": { "count": 0 } })), Ok(vec![])),
        (as_text(&json!({ "data": { "pagination": { "total": 0 } } })), Ok(vec![])),
        (as_text(&json!({ "tasks": [] })), Ok(vec![])),
        (as_text(&json!({ "tasks": null })), Ok(vec![])),
        (as_text(&json!({ "success": true, "message": "ok" })), Ok(vec![])),
        (as_text(&json!({ "success": true, "hints": ["x"] })), Err(Code::NotUnderstood)),
        (as_text(&json!({ "success": true, "item": task })), Err(Code::NotUnderstood)),
        (as_text(&json!({ "hello": 1 })), Err(Code::NotUnderstood)),
        (as_text(&json!({ "tasks": 5 })), Err(Code::NotUnderstood)),
        (as_text(&json!({ "tasks": {} })), Err(Code::NotUnderstood)),
        (as_text(&json!("prose")), Err(Code::NotUnderstood)),
        (json!({ "content": [], "isError": true }), Err(Code::ToolError)),
    ];
    for (result, expected) in table {
        assert_eq!(titles(&result), expected, "{result}");
    }
}

#[test]
fn p19_n078_success_false_is_a_failure_whatever_is_error_says() {
    let failed = |error: Value| titles(&as_text(&json!({ "success": false, "error": error })));
    assert_eq!(failed(json!("nope")), Err(Code::ToolError));
    assert_eq!(failed(json!({ "message": { "why": 1 } })), Err(Code::ToolError));
    assert_eq!(failed(json!({ "code": "AUTHENTICATION_ERROR" })), Err(Code::TokenRefused));
    assert_eq!(failed(json!({ "code": "PERMISSION_DENIED" })), Err(Code::Forbidden));
}

#[test]
fn ts_f3_elements_without_a_title_are_never_none() {
    for list in [
        json!([{ "id": 7 }, { "id": 8 }]),
        json!(["a", "b"]),
        json!([1, 2]),
        json!({ "k": { "x": 1 } }),
    ] {
        assert_eq!(titles(&as_text(&json!({ "tasks": list }))), Err(Code::NotUnderstood), "{list}");
    }
    let failure = page_of(reading(), &as_text(&json!({ "tasks": [{ "id": 7, "text": "x" }] })));
    let failure = failure.unwrap_err();
    assert!(failure.message.contains("1 element at `/tasks` without a title"), "{failure}");
    assert!(failure.message.contains("an object with id, text"), "{failure}");
    assert!(failure.hint.unwrap().contains("queries.tasks.map"));
}

#[test]
fn n076_odd_tasks_are_read_as_far_as_they_go() {
    let list = json!({ "tasks": [{ "id": 7 }, {}, "x", { "title": "t", "status": null,
        "priority": 3, "assignees": ["a", "b"] }] });
    let page = page_of(reading(), &as_text(&list)).unwrap();
    assert_eq!((page.tasks.len(), page.unread), (1, 3));
    assert_eq!((page.tasks[0].title.as_str(), page.tasks[0].priority.as_str()), ("t", "3"));
    assert_eq!(page.tasks[0].more["assignees"], "a, b");
}

#[test]
fn ts_f4_all_blocks_of_a_result_are_read() {
    let element = |title: &str| json!({ "title": title }).to_string();
    let three = blocks(&[&element("a"), &element("b"), &element("c")]);
    let abc = || Ok(["a", "b", "c"].map(str::to_owned).to_vec());
    assert_eq!(titles(&three), abc());
    let root = Reading { items: vec![Pointer::parse("").unwrap()], ..Reading::default() };
    assert_eq!(titles_with(root, &three), abc());
    let lists = blocks(&[
        &json!({ "tasks": [{ "title": "a" }] }).to_string(),
        &json!({ "tasks": [{ "title": "b" }, { "title": "c" }] }).to_string(),
    ]);
    assert_eq!(titles(&lists), abc());
    assert_eq!(titles(&json!({ "content": [] })), Ok(vec![]));
    let map = FieldMap { fields: vec![("title".into(), vec![String::new()])] };
    let plain = Reading { map, ..reading() };
    assert_eq!(titles_with(plain, &blocks(&["a", "b", "c"])), abc());
    assert_eq!(titles(&blocks(&["a", "b"])), Err(Code::NotUnderstood));
    let text = Query { answer: AnswerKind::Text, ..query(reading()) };
    let documents = Documents::of_tool_result(&blocks(&["To Do:\n- x", "Done:\n- y"]));
    assert_eq!(
        super::read(&text, &documents).unwrap(),
        Page::Text("To Do:\n- x\nDone:\n- y".into())
    );
}

#[test]
fn ts_f6_what_a_server_says_instead_of_an_empty_list_is_an_answer() {
    let none = vec!["No actionable tasks found*".to_owned(), "no tasks found.".to_owned()];
    let words = || Reading { none: none.clone(), ..reading() };
    let failed = json!({ "success": false, "error": { "message": "No actionable tasks found. Create some.",
        "code": "OPERATION_FAILED" } });
    let told = [
        as_text(&failed),
        as_text(&json!({ "message": "NO TASKS FOUND." })),
        blocks(&[" No tasks found.\n"]),
        json!({ "content": [{ "type": "text", "text": "no actionable tasks found" }], "isError": true }),
    ];
    for result in told {
        assert_eq!(titles_with(words(), &result), Ok(vec![]), "{result}");
        assert!(titles(&result).is_err(), "{result}");
    }
    let other = [
        as_text(
            &json!({ "success": false, "error": "No tasks found in cache: database is locked" }),
        ),
        blocks(&["No tasks found. Log in to see private ones."]),
    ];
    for result in other {
        assert!(titles_with(words(), &result).is_err(), "{result}");
    }
    // A list counts before words.
    let both = as_text(&json!({ "message": "no tasks found.", "tasks": [{ "title": "a" }] }));
    assert_eq!(titles_with(words(), &both), Ok(vec!["a".into()]));
}

#[test]
fn ts_f8_a_star_reads_the_lists_of_all_projects() {
    let items = vec![Pointer::parse("/projects/*/tasks").unwrap()];
    let value =
        json!({ "projects": [{ "tasks": [{ "title": "a" }] }, { "tasks": [{ "title": "b" }] }] });
    let all = Reading { items, ..Reading::default() };
    assert_eq!(titles_with(all, &as_text(&value)), Ok(vec!["a".into(), "b".into()]));
}

#[test]
fn ts_f8_closed_tasks_are_not_open_and_numbers_are_ranks_where_their_order_is_known() {
    let value = json!({ "tasks": [
        { "title": "done", "status": "Closed", "priority": 0 },
        { "title": "late", "state": "OPEN", "prio": 3 },
        { "title": "first", "state": "OPEN", "prio": 0 },
        { "title": "dropped", "status": "cancelled" },
    ] });
    let words = Vocabulary { numbers: Numbers::LowFirst, ..Vocabulary::default() };
    let page = page_of(Reading { words, ..reading() }, &as_text(&value)).unwrap();
    let tasks = Tasks::new(page.tasks, crate::task::Rest::Nothing, page.unread);
    let titles: Vec<_> = tasks.list.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["first", "late"]);
}

#[test]
fn ts_f5_what_a_page_says_of_the_others() {
    let list = json!([{ "title": "a" }, { "title": "b" }]);
    let page = |pagination: Value| json!({ "data": { "tasks": list, "pagination": pagination } });
    let table = [
        (page(json!({ "total": 12 })), true),
        (page(json!({ "total": 2, "has_more": true })), true),
        (page(json!({ "total": 2, "has_more": false })), false),
        (page(json!({ "total": 2 })), false),
        (json!({ "data": { "tasks": list, "total": 7 } }), true),
        (json!({ "tasks": list, "count": 9 }), true),
        (json!({ "tasks": list, "count": 2, "total": 5 }), true),
        (json!({ "tasks": list, "nextCursor": "abc" }), true),
        (json!({ "tasks": list, "nextCursor": null }), false),
        (json!({ "tasks": list, "hasMore": true }), true),
        (json!({ "tasks": list, "total": 1 }), false),
        (json!({ "tasks": list, "total": "many" }), false),
        (page(json!({ "total": u64::MAX })), true),
        (list.clone(), false),
    ];
    for (value, more) in table {
        let page = page_of(reading(), &as_text(&value)).unwrap();
        assert_eq!(page.completeness.may_have_more(page.length()), more, "{value}");
    }
    let mut full = query(reading());
    full.arguments.insert("limit".into(), 2.into());
    let documents = Documents::of_tool_result(&as_text(&json!({ "tasks": list })));
    let Page::Tasks(page) = super::read(&full, &documents).unwrap() else { panic!() };
    assert!(page.completeness.may_have_more(2), "a page as long as the limit may not be all");
}

fn may_have_more(reading: Reading, result: &Value) -> bool {
    let page = page_of(reading, result).unwrap();
    page.completeness.may_have_more(page.length())
}

#[test]
fn ts_f5_one_of_several_lists_that_is_not_complete_is_enough() {
    let list = |more: bool| json!({ "tasks": [{ "title": "a" }], "has_more": more }).to_string();
    assert!(!may_have_more(reading(), &blocks(&[&list(false), &list(false)])));
    assert!(may_have_more(reading(), &blocks(&[&list(false), &list(true)])), "the second block");
    let projects = |total: usize| {
        let project = |total: usize| json!({ "tasks": [{ "title": "a" }], "total": total });
        as_text(&json!({ "projects": [project(1), project(total)] }))
    };
    let each = || Reading {
        items: vec![Pointer::parse("/projects/*/tasks").unwrap()],
        ..Reading::default()
    };
    assert!(!may_have_more(each(), &projects(1)));
    assert!(may_have_more(each(), &projects(3)), "the second project");
}

#[test]
fn ts_f5_a_count_in_a_task_is_no_count_of_tasks() {
    let task = |title: &str| json!({ "title": title, "count": 9, "has_more": true }).to_string();
    assert!(!may_have_more(reading(), &blocks(&[&task("a"), &task("b")])));
    assert!(!may_have_more(reading(), &as_text(&json!({ "tasks": { "title": "a" }, "count": 9 }))));
}

#[test]
fn ts_f4_blocks_that_can_be_read_count_before_structured_content_that_cannot() {
    let result = json!({
        "structuredContent": { "tasks": [{ "id": 1 }] },
        "content": [{ "type": "text", "text": json!({ "tasks": [{ "title": "a" }] }).to_string() }],
    });
    assert_eq!(titles(&result), Ok(vec!["a".into()]));
}

#[test]
fn ts_f4_a_text_is_all_blocks_in_their_order() {
    let text = |result: &Value| {
        let query = Query { answer: AnswerKind::Text, ..query(reading()) };
        match super::read(&query, &Documents::of_tool_result(result)) {
            Ok(Page::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let mut result = blocks(&["before", "{\"a\":1}", "after"]);
    assert_eq!(text(&result), "before\n{\n  \"a\": 1\n}\nafter");
    result["structuredContent"] = json!({ "a": 1 });
    assert_eq!(text(&result), "before\n{\n  \"a\": 1\n}\nafter", "the blocks are for readers");
    assert_eq!(
        text(&json!({ "structuredContent": { "tasks": "as configured" } })),
        "as configured"
    );
}
