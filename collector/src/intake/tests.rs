use super::*;
use crate::check::field;

/// How many bytes a request may have, in a collector that keeps much more.
fn intake(max_request_bytes: usize) -> Intake {
    Intake::start(&Config { max_request_bytes, ..Config::default() }).unwrap()
}

fn take(intake: &Intake, body: &[u8], held: &mut Reservation) -> Result<Taken, Refusal> {
    intake.take(Signal::Logs, Source::OTLP, body, &Client::default(), held).map(|(taken, _)| taken)
}

fn logs(record: &[u8], count: usize) -> Vec<u8> {
    field(1, &field(2, &field(2, record).repeat(count)))
}

// Two bytes each: an entry of an index for every one of them would be thirty times as large as the request.
#[test]
fn log_records_without_a_trace_need_no_memory_besides_their_bytes() {
    let body = logs(&[], 20_000);
    let intake = intake(body.len());
    let mut held = intake.reserve();
    // The body as it came, which whoever receives it sets aside, and a third one of the four.
    held.grow(2 * body.len()).unwrap();
    let taken = take(&intake, &body, &mut held);
    assert_eq!((taken, intake.counters().log_records), (Ok(Taken::default()), 20_000));
    assert!(intake.counters().stored_bytes < body.len() as u64 + 1000);
}

#[test]
fn the_index_and_the_copy_of_a_request_are_set_aside_before_they_are_made() {
    let body = logs(&field(9, &[7; 16]), 1000);
    let needed = body.len() + Store::index_of(1000);
    let intake = intake(body.len());
    let mut others = intake.reserve();
    others.grow(4 * body.len() - needed + 1).unwrap();
    let refusal = take(&intake, &body, &mut intake.reserve()).unwrap_err();
    assert!(matches!(refusal, Refusal::Busy(_)), "{refusal:?}");
    assert_eq!(intake.counters().stored_bytes, 0);
    others.shrink(1);
    assert_eq!(take(&intake, &body, &mut intake.reserve()), Ok(Taken::default()));
}

#[test]
fn a_request_whose_index_cannot_be_kept_is_refused_before_anything_is_set_aside() {
    let body = logs(&field(9, &[7; 16]), 1000);
    let config = Config { max_bytes: 2 * body.len(), ..Config::default() };
    let intake = Intake::start(&config).unwrap();
    let mut others = intake.reserve();
    others.grow(4 * config.max_request_bytes).unwrap();
    let refusal = take(&intake, &body, &mut intake.reserve()).unwrap_err();
    assert!(refusal.cause().contains(&format!("{} bytes", config.max_bytes)), "{refusal:?}");
    assert!(matches!(refusal, Refusal::TooLarge(_)));
}

#[test]
fn a_request_of_the_largest_size_may_come_in_pieces() {
    let pieces =
        [field(1, b""), field(1, b""), field(2, &field(2, &field(9, &[7; 16]).repeat(500)))].concat();
    let body = field(1, &pieces);
    let intake = intake(body.len());
    let mut held = intake.reserve();
    held.grow(body.len()).unwrap();
    assert_eq!(take(&intake, &body, &mut held), Ok(Taken::default()));
}

// An empty attribute has two bytes on the wire and dozens in memory, as soon as somebody looks.
#[test]
fn a_request_of_empty_attributes_counts_as_what_it_takes_to_look_at_it() {
    let attributes = |count: usize| logs(&[field(9, &[7; 16]), field(6, b"").repeat(count)].concat(), 1);
    let intake = Intake::start(&Config { max_bytes: 1 << 20, ..Config::default() }).unwrap();
    let body = attributes(10_000);
    assert_eq!(take(&intake, &body, &mut intake.reserve()), Ok(Taken::default()));
    assert!(intake.counters().stored_bytes > 300_000, "{:?}", intake.counters());
    let refusal = take(&intake, &attributes(50_000), &mut intake.reserve()).unwrap_err();
    assert!(matches!(refusal, Refusal::TooLarge(_)));
    let usual = logs(&[field(9, &[7; 16]), field(6, &field(1, b"http.route")).repeat(10)].concat(), 1000);
    let before = intake.counters().stored_bytes;
    assert_eq!(take(&intake, &usual, &mut intake.reserve()), Ok(Taken::default()));
    assert!(intake.counters().stored_bytes - before < usual.len() as u64 + 70_000);
}
