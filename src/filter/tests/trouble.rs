//! Bad input, outputs that cannot be, faults of ours: a clear word and nothing half-written.

use std::fs;

use super::*;

async fn refused(name: &str, content: &[u8]) -> String {
    let place = Place::new(name, content);
    let error = error(job(&place.input, &place.path("out.jsonl"))).await;
    assert!(place.files().is_empty(), "{error}: left {:?}", place.files());
    let name = format!("{name}: ");
    let at = error.find(&name).unwrap_or_else(|| panic!("{error} does not name {name}"));
    error[at + name.len()..].to_owned()
}

#[tokio::test]
async fn inputs_that_cannot_be_read_are_named_with_place_and_fault() {
    let good = format!("{}\n", row("code", Some(answer("right")), Some(TESTS)));
    let cases: [(&str, Vec<u8>, &str); 11] = [
        ("in.jsonl", b"".to_vec(), "the file is empty"),
        ("in.jsonl", b" \n\n".to_vec(), "neither parquet nor JSONL: it begins with blanks only"),
        ("in.parquet", b"not parquet".to_vec(), "not a parquet file: it does not begin with PAR1"),
        (
            "in.parquet",
            b"PAR1 and then no more".to_vec(),
            "a truncated parquet file: its 21 bytes do not end",
        ),
        ("in.jsonl", b"[{}]".to_vec(), "a JSON array; JSONL has one object on each line"),
        ("in.jsonl", b"\x1f\x8b\x08".to_vec(), "a gzip file; decompress it first"),
        ("in.csv", b"a,b\n1,2\n".to_vec(), "neither parquet (PAR1) nor JSONL ({): it begins with byte 0x61"),
        ("in.jsonl", [good.as_bytes(), b"{\"a\": \"\xff\"}\n"].concat(), "line 2 (byte "),
        ("in.jsonl", [good.as_bytes(), b"[1]\n"].concat(), "not a JSON object"),
        ("in.jsonl", [good.as_bytes(), b"{\"domain\": 3}\n"].concat(), "field `domain` is not a string"),
        (
            "in.jsonl",
            b"{\"b\": 1}\n{\"domain\": 1, \"a\": 1, \"b\": 1}\n".to_vec(),
            "field `domain` is not a string",
        ),
    ];
    for (name, content, expected) in cases {
        let error = refused(name, &content).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn parquet_columns_that_are_missing_or_of_another_type_are_named() {
    use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
    let text = || Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    let number = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    for (columns, expected) in [
        (
            vec![("deepseek_solution", text()), ("domain", text())],
            "no column `test_cases`; it has: deepseek_solution, domain; name others by --tests-column",
        ),
        (
            vec![("answer", text()), ("tests", text()), ("domain", text())],
            "no columns `deepseek_solution`, `test_cases`; it has: answer, tests, domain; name others by \
             --answer-column, --tests-column",
        ),
        (
            vec![("deepseek_solution", text()), ("test_cases", number()), ("domain", text())],
            "column `test_cases`: its type is Int32; text is needed",
        ),
    ] {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert_eq!(refused("in.parquet", &bytes).await, expected);
        // Cut anywhere, it is refused too.
        for cut in [5, bytes.len() / 2, bytes.len() - 1] {
            assert!(refused("in.parquet", &bytes[..cut]).await.contains("truncated"));
        }
    }
}

#[tokio::test]
async fn all_fields_that_no_line_has_are_named_at_once() {
    let all = "no columns `deepseek_solution`, `test_cases`, `domain` in 2 rows; it has: answer, tests, number; name \
               others by --answer-column, --tests-column, --domain-column (or --all-code)";
    let other = "{\"tests\": 1, \"answer\": 2}\n{\"answer\": 3, \"number\": 4}\n";
    assert_eq!(refused("in.jsonl", other.as_bytes()).await, all);
    // A wrong file is not read to its end.
    let many = refused("in.jsonl", other.repeat(1_000).as_bytes()).await;
    assert_eq!(many, all.replace("2 rows", "1000 rows"));
    // Some line has each but one.
    let lines = "{\"deepseek_solution\": \"\", \"tests\": \"\"}\n{\"domain\": \"code\"}\n";
    let one = refused("in.jsonl", lines.as_bytes()).await;
    let expected =
        "no column `test_cases` in 2 rows; it has: deepseek_solution, tests, domain; name others by ";
    assert_eq!(one, format!("{expected}--tests-column"));
}

/// A file of rows whose domain column has another word for code, or is another column.
#[tokio::test]
async fn a_file_without_a_row_of_code_is_refused_with_what_was_seen() {
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    let answered = |domain: &str| row(domain, Some(answer("right")), Some(TESTS));
    let with_null = |mut row: Json| {
        row["domain"] = Json::Null;
        row
    };
    let rows = [answered("python"), answered("Code"), answered("python"), with_null(answered("code"))];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let expected = "no row is code: the column `domain` is nowhere \"code\", but \"python\" (2 rows), \"Code\" (1 row), \
                    null (1 row); say what means code by --code-domain VALUE, where it stands by --domain-column NAME, \
                    or that all rows are code by --all-code";
    assert_eq!(refused("in.jsonl", lines.as_bytes()).await, expected);

    let place = Place::new("in.parquet", "");
    let columns = ["deepseek_solution", "test_cases", "domain"].map(|name| {
        let values: StringArray = rows.iter().map(|row| row[name].as_str()).collect();
        (name, Arc::new(values) as ArrayRef)
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(&place.input).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let refusal = error(job(&place.input, &place.path("out.parquet"))).await;
    assert!(refusal.ends_with(expected), "{refusal}");
    assert!(place.files().is_empty(), "{:?}", place.files());

    // The right word, or none at all, and every such row is verified; the others are named.
    let mut named = job(&place.input, &place.path("named.parquet"));
    named.plan.rules.code_domains = vec!["python".to_owned()];
    let summary = complete(named).await;
    assert_eq!((summary.code_rows(), summary.passed_through), (2, 2));
    let text = summary.display(Duration::from_secs(1)).to_string();
    assert!(text.contains("domain, not verified") && text.contains("\"Code\"  "), "{text}");
    let mut all = job(&place.input, &place.path("all.parquet"));
    all.plan.columns.domain = None;
    all.plan.rules.every_row_is_code = true;
    assert_eq!(complete(all).await.code_rows(), 4);

    // Many values are named by the most frequent.
    let many: String = (0..90).map(|at| format!("{}\n", answered(&format!("d{}", at % 30)))).collect();
    let refusal = refused("in.jsonl", many.as_bytes()).await;
    assert!(refusal.contains("\"d0\" (3 rows), ") && refusal.contains("others (30 rows);"), "{refusal}");
}

#[tokio::test]
async fn damage_inside_a_parquet_file_leaves_no_output() {
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    let text = |value: String| Arc::new(StringArray::from(vec![value; 500])) as ArrayRef;
    let noise: String = (0..3_000u64).map(|n| char::from(b'a' + (n * n % 25) as u8)).collect();
    let batch = RecordBatch::try_from_iter([
        ("deepseek_solution", text(answer("right"))),
        ("test_cases", text(TESTS.to_owned())),
        ("domain", text("code".to_owned())),
        ("problem", text(noise)),
    ])
    .unwrap();
    let place = Place::new("in.parquet", "");
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    // The header of a page of a column that only the second reading needs.
    let footer = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        axum::body::Bytes::from(bytes.clone()),
    )
    .unwrap();
    let at = footer.metadata().row_group(0).column(3).byte_range().0 as usize;
    bytes[at..at + 8].fill(0xff);
    fs::write(&place.input, &bytes).unwrap();
    let error = error(job(&place.input, &place.path("out.parquet"))).await;
    assert!(error.contains("in.parquet: rows from "), "{error}");
    assert_eq!(place.files(), ["out.parquet.proofbox"]);
}

#[tokio::test]
async fn outputs_that_are_in_the_way_are_refused_before_any_work() {
    let place = Place::new("in.jsonl", mixed_lines(10));
    let mut same = job(&place.input, &place.path("out.jsonl"));
    same.outputs.rows = place.path("./in.jsonl");
    assert!(error(same).await.ends_with("the output is the input"));
    let mut same = job(&place.input, &place.path("out.jsonl"));
    same.outputs.verdicts = same.outputs.rows.clone();
    assert!(error(same).await.ends_with("the verdict table is the output"));

    let nowhere = job(&place.input, &place.path("no/such/out.jsonl"));
    assert!(error(nowhere).await.contains("cannot create: there is no such directory"));
    // A directory stands where the verdict table is to be written before it gets its name.
    let mut blocked = job(&place.input, &place.path("out.jsonl"));
    blocked.outputs.verdicts = place.path("v.jsonl");
    fs::create_dir(place.path(".v.jsonl.proofbox-partial")).unwrap();
    assert!(error(blocked).await.contains("v.jsonl.proofbox-partial: cannot create"));
    assert_eq!(place.files(), [".v.jsonl.proofbox-partial"]);
    fs::create_dir(place.path("dir.jsonl")).unwrap();
    let error_of = error(job(&place.input, &place.path("dir.jsonl"))).await;
    assert!(error_of.ends_with("there is something that is not a regular file"), "{error_of}");

    fs::write(place.path("out.jsonl"), "precious").unwrap();
    let kept = error(job(&place.input, &place.path("out.jsonl"))).await;
    assert!(kept.ends_with("exists already; pass --overwrite to replace it"), "{kept}");
    assert_eq!(fs::read_to_string(place.path("out.jsonl")).unwrap(), "precious");
    let mut replace = job(&place.input, &place.path("out.jsonl"));
    replace.existing = Existing::Replace;
    complete(replace).await;
    assert_eq!(json_lines(&place.path("out.jsonl")).len(), 5);

    fs::write(place.path("empty.jsonl"), "").unwrap();
    complete(job(&place.input, &place.path("empty.jsonl"))).await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing_under_the_name() {
    use crate::{
        dataset::Input,
        filter::{target::Target, write_rows::write_rows},
    };
    let place = Place::new("in.jsonl", mixed_lines(700));
    let parquet = place.path("in.parquet");
    complete(job(&place.input, &parquet)).await;
    for (input, rows) in [(&place.input, 700), (&parquet, 300)] {
        let input = Input::open(input).unwrap();
        for format in [Format::Parquet, Format::Jsonl] {
            let output = place.path("out").with_extension(format.ending());
            let target = Target::on_full_device(&output);
            let Err(error) = write_rows(&input, &vec![true; rows], target, format, &|| true) else {
                panic!("written to a full device")
            };
            let error = error.to_string();
            assert!(error.contains("cannot write: ") && error.contains("No space left on device"), "{error}");
            assert!(!output.exists());
        }
    }
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_replaced_and_links_not_followed() {
    let place = Place::new("in.jsonl", mixed_lines(10));
    let elsewhere = place.path("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.path(".out.jsonl.proofbox-partial")).unwrap();
    complete(job(&place.input, &place.path("out.jsonl"))).await;
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "precious");
    assert_eq!(place.files(), ["elsewhere", "out.jsonl", "out.verdicts.jsonl"]);
}

#[tokio::test]
async fn faults_of_ours_are_tried_again_and_then_counted_apart() {
    let lines = [answer("right"), answer("broken sandbox"), answer("wrong")]
        .map(|answer| format!("{}\n", row("code", Some(answer), Some(TESTS))));
    let place = Place::new("in.jsonl", lines.concat());
    let verify = Arc::new(ByWord::default());
    let job = job(&place.input, &place.path("out.jsonl"));
    let Finished::Complete { summary, .. } = run_with(job, Arc::clone(&verify)).await.unwrap() else {
        panic!("stopped")
    };
    assert_eq!(verify.calls.load(Ordering::Relaxed), 2 + 3, "once, and twice again");
    assert_eq!((summary.undecided_by_us, summary.dropped), (1, 2));
    let text = summary.display(Duration::from_secs(3)).to_string();
    assert!(text.contains("undecided (sandbox_fault)"), "{text}");
    assert!(text.contains("WARNING: 1 rows could not be decided"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let line = &json_lines(&place.path("out.verdicts.jsonl"))[1];
    assert_eq!((&line["action"], &line["reason"]), (&json!("drop"), &json!("no cell")));
}
