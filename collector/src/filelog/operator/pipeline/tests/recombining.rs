use super::*;

fn recombined(boundary: Boundary, change: fn(&mut Recombine), lines: &[(&str, &str)]) -> Vec<String> {
    let mut recombine = Recombine::new(boundary, Field::BODY);
    change(&mut recombine);
    let out = run(&mut pipeline(&[Task::Recombine(recombine).into()]), lines);
    bodies(&out).into_iter().map(str::to_owned).collect()
}

/// The examples of the operator's documentation.
#[test]
fn entries_are_put_together_until_there_are_too_many() {
    let lines = |text: &'static str| text.split(' ').map(|line| ("f", line)).collect::<Vec<_>>();
    let first = || Boundary::First("body == 'log1'".into());
    let last = || Boundary::Last("body == 'log1'".into());
    let few = lines("log2 log3 log4 log1 log5 log6 log7 log1");
    let many = lines("log2 log3 log4 log5 log1 log6 log7 log1 log8 log1");
    let all = recombined(first(), |recombine| recombine.max_unmatched_batch_size = 0, &few);
    assert_eq!(all, ["log2\nlog3\nlog4", "log1\nlog5\nlog6\nlog7", "log1"]);
    let single = recombined(first(), |recombine| recombine.max_unmatched_batch_size = 1, &few);
    assert_eq!(single, ["log2", "log3", "log4", "log1\nlog5\nlog6\nlog7", "log1"]);
    let three = |recombine: &mut Recombine| recombine.max_unmatched_batch_size = 3;
    let packed = recombined(first(), three, &many);
    assert_eq!(packed, ["log2\nlog3\nlog4", "log5", "log1\nlog6\nlog7", "log1\nlog8", "log1"]);
    let packed = recombined(last(), three, &many);
    assert_eq!(packed, ["log2\nlog3\nlog4", "log5\nlog1", "log6\nlog7\nlog1", "log8\nlog1"]);
    let batched = recombined(first(), |recombine| recombine.max_batch_size = 2, &lines("log1 a b c"));
    assert_eq!(batched, ["log1\na", "b\nc"]);
    let small = recombined(last(), |recombine| recombine.max_log_size = 3, &lines("aa b c d"));
    assert_eq!(small, ["aa\nb", "c\nd"]);
    let apart = [("f", "log1"), ("g", "log1"), ("f", "x"), ("h", "log1"), ("g", "y")];
    let sources = recombined(first(), |recombine| recombine.max_sources = 2, &apart);
    assert_eq!(sources, ["log1\nx", "log1", "log1", "y"]);
}

#[test]
fn what_waits_is_let_out_in_time_and_known_by_its_first_mark() {
    let mut recombine = Recombine::new(Boundary::Last("body == 'end'".into()), Field::BODY);
    recombine.overwrite_with_oldest = true;
    let mut pipeline = pipeline(&[Task::Recombine(recombine).into(), add("after", "x").into()]);
    let mut out = Vec::new();
    let second = 1_000_000_000;
    for (mark, line) in [(5, "a"), (6, "b")] {
        let mut entry = Entry { mark, observed: mark * second, ..Entry::of(line) };
        entry.attributes.insert("line", line);
        pipeline.run(entry, &mut |entry| out.push(entry));
    }
    pipeline.flush_until(10 * second - 1, &mut |entry| out.push(entry));
    assert_eq!((out.len(), pipeline.oldest_mark()), (0, Some(5)));
    pipeline.flush_until(10 * second, &mut |entry| out.push(entry));
    let attributes = Map::from([("line", "a".into()), ("after", "x".into())]);
    let expected =
        Entry { body: "a\nb".into(), attributes, mark: 5, observed: 5 * second, ..Entry::default() };
    assert_eq!((out, pipeline.oldest_mark()), (vec![expected], None));
    pipeline.run(Entry::of(7), &mut |entry| assert_eq!(entry.body, Value::Integer(7)));
    assert_eq!(pipeline.counts().failed, 1);
}
