//! The four pairs of formats: kept rows unchanged, verdicts for all.

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, Int64Array,
    LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
    types::{Int32Type, Int64Type},
};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::filter::filter_record_batch;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use super::*;

const ROWS: usize = 200;

fn kept(at: usize) -> bool {
    matches!(at % 3, 0 | 2)
}

/// Rows with every odd type a data set may carry along.
fn odd_batch() -> RecordBatch {
    let rows = 0..ROWS;
    let answers: LargeStringArray = rows
        .clone()
        .map(|at| Some(answer(&format!("{} {at}", if at % 3 == 0 { "right" } else { "wrong" }))))
        .collect();
    let domains: DictionaryArray<Int32Type> =
        rows.clone().map(|at| Some(if at % 3 == 2 { "math" } else { "code" })).collect();
    let sources: StringViewArray = rows
        .clone()
        .map(|at| (at % 4 != 0).then(|| format!("a source of more than twelve bytes {}", at % 3)))
        .collect();
    let tests: StringArray = rows.clone().map(|_| Some(TESTS)).collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.clone().map(|at| match at % 4 {
        0 => None,
        1 => Some(vec![]),
        _ => Some(vec![Some(at as i64), None, Some(i64::MIN)]),
    }));
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("n", DataType::Int32, true)),
            Arc::new(rows.clone().map(|at| (at % 5 != 0).then_some(at as i32)).collect::<Int32Array>())
                as ArrayRef,
        ),
        (
            Arc::new(Field::new("s", DataType::Utf8, true)),
            Arc::new(rows.clone().map(|at| (at % 7 != 0).then(|| format!("é{at}"))).collect::<StringArray>()),
        ),
    ]);
    let times: TimestampMicrosecondArray =
        rows.clone().map(|at| (at % 6 != 0).then_some(at as i64 * 1_000_003 - 7)).collect();
    let decimals: Decimal128Array = rows.clone().map(|at| Some(at as i128 * 10 - 3)).collect();
    let bytes: BinaryArray = rows.clone().map(|at| (at % 2 == 0).then(|| vec![0xff, at as u8])).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(rows.clone().map(|at| Some(at as i64 * 7)).collect::<Int64Array>())),
        ("deepseek_solution", Arc::new(answers)),
        ("domain", Arc::new(domains)),
        ("source", Arc::new(sources)),
        ("test_cases", Arc::new(tests)),
        (
            "flag",
            Arc::new(rows.clone().map(|at| (at % 3 != 1).then_some(at % 2 == 0)).collect::<BooleanArray>()),
        ),
        ("list", Arc::new(lists)),
        ("struct", Arc::new(structs)),
        ("time", Arc::new(times.with_timezone("+02:00"))),
        ("decimal", Arc::new(decimals.with_precision_and_scale(12, 2).unwrap())),
        ("bytes", Arc::new(bytes)),
        ("nothing", Arc::new(NullArray::new(ROWS))),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| {
            let metadata: std::collections::HashMap<_, _> =
                [("a field's own".to_owned(), name.to_string())].into_iter().collect();
            Field::new(*name, array.data_type().clone(), true).with_metadata(metadata)
        })
        .collect();
    let metadata: std::collections::HashMap<_, _> =
        [("huggingface".to_owned(), HUGGING_FACE.to_owned())].into_iter().collect();
    let schema = Arc::new(Schema::new(fields).with_metadata(metadata));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

const HUGGING_FACE: &str = r#"{"info": {"features": {"id": {"dtype": "int64"}}}}"#;

fn key_values(path: &Path) -> Vec<KeyValue> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    builder.metadata().file_metadata().key_value_metadata().cloned().unwrap()
}

fn odd_parquet() -> Place {
    let place = Place::new("in.parquet", "");
    let pairs = vec![
        KeyValue::new("huggingface".to_owned(), HUGGING_FACE.to_owned()),
        KeyValue::new("mine".to_owned(), None),
    ];
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(37))
        .set_key_value_metadata(Some(pairs))
        .build();
    let batch = odd_batch();
    let file = File::create(&place.input).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    place
}

#[tokio::test]
async fn parquet_rows_keep_every_type_value_and_piece_of_metadata() {
    let place = odd_parquet();
    let output = place.path("out.parquet");
    let summary = complete(job(&place.input, &output)).await;
    assert_eq!((summary.rows, summary.kept, summary.dropped, summary.passed_through), (200, 67, 67, 66));

    let whole = parquet_rows(&place.input);
    let mask: BooleanArray = (0..ROWS).map(|at| Some(kept(at))).collect();
    let expected = filter_record_batch(&whole, &mask).unwrap();
    let found = parquet_rows(&output);
    assert_eq!(found.schema(), expected.schema());
    for (name, (found, expected)) in
        whole.schema().fields().iter().zip(found.columns().iter().zip(expected.columns()))
    {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(key_values(&output), key_values(&place.input));
    let footer = |path: &Path| {
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().metadata().clone()
    };
    let (before, after) = (footer(&place.input), footer(&output));
    assert_eq!(
        before.file_metadata().schema_descr().root_schema(),
        after.file_metadata().schema_descr().root_schema()
    );
    for group in after.row_groups() {
        assert!(group.num_rows() <= 37);
        for (column, original) in group.columns().iter().zip(before.row_group(0).columns()) {
            assert_eq!(column.compression(), original.compression());
        }
    }
    assert_eq!(place.files(), ["out.parquet", "out.verdicts.jsonl"]);
}

#[tokio::test]
async fn parquet_becomes_json_lines_with_nulls_written_out() {
    let place = odd_parquet();
    let output = place.path("out.jsonl");
    complete(job(&place.input, &output)).await;
    let lines = json_lines(&output);
    let ids: Vec<i64> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (0..ROWS).filter(|at| kept(*at)).map(|at| at as i64 * 7).collect();
    assert_eq!(ids, expected);
    let first = lines[0].as_object().unwrap();
    assert_eq!(first.len(), 12);
    assert_eq!((&first["list"], &first["nothing"], &first["flag"]), (&Json::Null, &Json::Null, &json!(true)));
    assert_eq!(first["struct"], json!({"n": null, "s": null}));
    assert_eq!(first["test_cases"], TESTS);
}

#[tokio::test]
async fn json_lines_stay_byte_for_byte() {
    let lines = mixed_lines(100);
    let unended = lines.trim_end();
    let place = Place::new("in.jsonl", unended);
    let output = place.path("out.jsonl");
    let summary = complete(job(&place.input, &output)).await;
    let expected: String = unended
        .split_inclusive('\n')
        .enumerate()
        .filter(|(at, _)| mixed_is_kept(*at))
        .map(|(_, line)| line)
        .collect();
    assert_eq!(std::fs::read_to_string(&output).unwrap(), expected);
    assert_eq!(summary.code_rows(), 86);
}

#[tokio::test]
async fn json_lines_become_parquet() {
    let rows: String = (0..150)
        .map(|at| {
            let mut row = row("code", Some(answer(if at % 2 == 0 { "right" } else { "wrong" })), Some(TESTS));
            row["n"] = json!(at);
            row["x"] = if at % 3 == 0 { json!(at) } else { json!(at as f64 + 0.5) };
            row["tags"] = json!(["a", null, format!("{at}")]);
            row["deep"] = json!({"flag": at % 4 == 0, "list": [[at]]});
            row["never"] = Json::Null;
            format!("{row}\n")
        })
        .collect();
    let place = Place::new("in.jsonl", rows);
    let output = place.path("out.parquet");
    complete(job(&place.input, &output)).await;
    let found = parquet_rows(&output);
    assert_eq!(found.num_rows(), 75);
    let mut json = Vec::new();
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(&mut json);
    writer.write(&found).unwrap();
    writer.finish().unwrap();
    let back: Vec<Json> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let original = json_lines(&place.input);
    for (at, row) in back.iter().enumerate() {
        let expected = &original[at * 2];
        assert_eq!(row["n"], expected["n"]);
        assert_eq!(row["x"].as_f64(), expected["x"].as_f64());
        for name in ["deepseek_solution", "tags", "deep", "never", "problem"] {
            assert_eq!(row[name], expected[name], "{name} of row {at}");
        }
    }
}

#[tokio::test]
async fn fields_that_fit_no_column_are_an_error() {
    for (odd, expected) in [
        (json!(u64::MAX), "an integer beyond 64 bits"),
        (json!({"a": 1}), "its fields do not fit parquet columns"),
        (json!("text"), "row or one of the 64 kept before it"),
    ] {
        let mut first = row("code", Some(answer("right")), Some(TESTS));
        let mut second = first.clone();
        first["odd"] = json!(1);
        second["odd"] = odd.clone();
        let place = Place::new("in.jsonl", format!("{first}\n{second}\n"));
        let error = error(job(&place.input, &place.path("out.parquet"))).await;
        assert!(error.contains("in.jsonl: line 2") && error.contains(expected), "{odd}: {error}");
        assert_eq!(place.files(), ["out.parquet.proofbox"], "the decisions stay for another try");
        complete(job(&place.input, &place.path("out.jsonl"))).await;
    }
}

#[tokio::test]
async fn the_verdict_table_has_every_row_in_either_format() {
    let place = Place::new("in.jsonl", mixed_lines(14));
    let output = place.path("out.jsonl");
    let mut as_parquet = job(&place.input, &output);
    complete(as_parquet.clone()).await;
    let lines = json_lines(&place.path("out.verdicts.jsonl"));
    let expected = [
        json!({"row": 0, "domain": "code", "action": "keep", "verdict": "accepted", "cause": null, "passed": 2,
               "total": 2, "first_failing_test": null, "cpu_ms": 3.0, "reason": null}),
        json!({"row": 1, "domain": "code", "action": "drop", "verdict": "wrong_answer", "cause": null, "passed": 0,
               "total": 2, "first_failing_test": 0, "cpu_ms": 1.5, "reason": "test 0: line 1 differs"}),
        json!({"row": 2, "domain": "math", "action": "pass_through", "verdict": null, "cause": null, "passed": null,
               "total": null, "first_failing_test": null, "cpu_ms": null, "reason": null}),
        json!({"row": 3, "domain": "code", "action": "drop", "verdict": "compile_error", "cause": "no_code",
               "passed": 0, "total": 2, "first_failing_test": null, "cpu_ms": 0.0,
               "reason": "the answer has no fenced code block"}),
    ];
    assert_eq!(lines[..4], expected);
    assert_eq!(lines[5]["verdict"], "undecided");
    assert_eq!((&lines[5]["cause"], &lines[5]["action"]), (&json!("bad_tests"), &json!("drop")));
    assert_eq!(lines[6]["reason"], "the answer is empty");
    let rows: Vec<u64> = lines.iter().map(|line| line["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, (0..14).collect::<Vec<_>>());

    as_parquet.outputs.verdicts = place.path("v.parquet");
    as_parquet.outputs.verdicts_format = Format::Parquet;
    as_parquet.existing = Existing::Replace;
    complete(as_parquet).await;
    let table = parquet_rows(&place.path("v.parquet"));
    assert_eq!(table.num_rows(), 14);
    let mut json = Vec::new();
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(&mut json);
    writer.write(&table).unwrap();
    writer.finish().unwrap();
    let found: Vec<Json> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found, lines);
}

#[tokio::test]
async fn rows_that_are_not_code_follow_the_flag() {
    for (action, word, kept) in [(Action::Keep, "keep", 6), (Action::Drop, "drop", 4)] {
        let place = Place::new("in.jsonl", mixed_lines(14));
        let mut job = job(&place.input, &place.path("out.jsonl"));
        job.plan.not_code = action;
        complete(job).await;
        assert_eq!(json_lines(&place.path("out.verdicts.jsonl"))[2]["action"], word);
        assert_eq!(json_lines(&place.path("out.jsonl")).len(), kept);
    }
}
