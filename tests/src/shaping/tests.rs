//! Rates and delays by tokio's paused clock, which moves when nothing else can: exact, whatever the machine does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep_until};

use super::alarm::{Alarm, Fine};
use super::wire::{PIECE, Wire, carry};
use super::{Line, Shaper};

/// What the two ends of a connection hold without any wire.
const PIPE: usize = 1 << 10;
/// A byte takes a microsecond.
const LINE: Line = Line { bits_per_second: 8_000_000, delay: Duration::from_millis(40) };
/// What tokio's clock, which counts in milliseconds, adds to each wait at most.
const TICK: Duration = Duration::from_millis(1);

/// The paused clock's own timer.
struct Paused;

impl Alarm for Paused {
    async fn until(&mut self, due: Instant) -> std::io::Result<()> {
        sleep_until(due).await;
        Ok(())
    }
}

/// A sender's and a receiver's end with a wire between them.
fn over(wire: &Arc<Wire>) -> (DuplexStream, DuplexStream) {
    let ((sender, from), (to, receiver)) = (duplex(PIPE), duplex(PIPE));
    let wire = Arc::clone(wire);
    tokio::spawn(async move { carry(from, to, &wire, Paused).await });
    (sender, receiver)
}

/// Bytes that repeat nowhere soon.
fn noise(length: usize) -> Vec<u8> {
    (0..length as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Sends `bytes` and ends; gives what arrives, and when the last of it does.
async fn through(wire: &Arc<Wire>, bytes: Vec<u8>) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let (mut sender, mut receiver) = over(wire);
    let said = tokio::spawn(async move { sender.write_all(&bytes).await });
    let mut heard = Vec::new();
    receiver.read_to_end(&mut heard).await.unwrap();
    said.await.unwrap().unwrap();
    (heard, began.elapsed())
}

#[track_caller]
fn assert_about(took: Duration, expected: Duration) {
    assert!(took >= expected && took <= expected + TICK, "{took:?} where the line takes {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn everything_arrives_in_order_at_the_lines_rate_and_one_delay_late() {
    for length in [0, 1, PIECE, 3_000_000] {
        let wire = Arc::new(Wire::new(LINE));
        let (heard, took) = through(&wire, noise(length)).await;
        assert!(heard == noise(length), "{length} bytes came out as others");
        assert_about(took, LINE.delay + Duration::from_micros(length as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_and_its_answer_take_two_delays() {
    let (there, back) = (Arc::new(Wire::new(LINE)), Arc::new(Wire::new(LINE)));
    let ((mut ask, mut asked), (mut answer, mut answered)) = (over(&there), over(&back));
    let began = Instant::now();
    for count in 1..=10 {
        let mut byte = [0];
        ask.write_all(&[count]).await.unwrap();
        asked.read_exact(&mut byte).await.unwrap();
        answer.write_all(&byte).await.unwrap();
        answered.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, [count]);
    }
    // A microsecond for the byte and a tick for the clock, each way.
    let expected = 20 * LINE.delay;
    assert!((expected..=expected + 20 * 2 * TICK).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn messages_follow_each_other_without_waiting_for_arrival() {
    let wire = Arc::new(Wire::new(LINE));
    let (mut sender, mut receiver) = over(&wire);
    let began = Instant::now();
    // Ten milliseconds apart, a quarter of the delay.
    tokio::spawn(async move {
        for count in 0..20 {
            sleep_until(began + count * Duration::from_millis(10)).await;
            sender.write_all(&[count as u8]).await.unwrap();
        }
    });
    for count in 0..20 {
        let mut byte = [0];
        receiver.read_exact(&mut byte).await.unwrap();
        assert_eq!(u32::from(byte[0]), count);
        let arrives = count * Duration::from_millis(10) + LINE.delay;
        assert!((arrives..=arrives + 3 * TICK).contains(&began.elapsed()), "{count}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn connections_share_a_direction_and_directions_share_nothing() {
    let (there, back) = (Arc::new(Wire::new(LINE)), Arc::new(Wire::new(LINE)));
    let length = 1_000_000;
    let began = Instant::now();
    let run = |wire: &Arc<Wire>| {
        let wire = Arc::clone(wire);
        tokio::spawn(async move { through(&wire, noise(length)).await.1 })
    };
    let (first, second, opposite) = (run(&there), run(&there), run(&back));
    let one = LINE.delay + LINE.transmission(length);
    assert_about(opposite.await.unwrap(), one);
    first.await.unwrap();
    second.await.unwrap();
    assert_about(began.elapsed(), one + LINE.transmission(length));
}

#[tokio::test(start_paused = true)]
async fn who_sends_more_than_there_is_room_for_has_to_wait() {
    let wire = Arc::new(Wire::new(LINE));
    let (mut sender, mut receiver) = over(&wire);
    let mut sent = 0;
    // Nobody reads: an hour of the paused clock is as good as for ever.
    while let Ok(written) = tokio::time::timeout(Duration::from_secs(3600), sender.write(&[7; 512])).await {
        sent += written.unwrap();
    }
    let most = wire.room() + 2 * PIPE;
    assert!(sent <= most && sent > most - PIECE, "{sent} of {most} bytes");
    // And goes on as soon as somebody does.
    let mut heard = vec![0; sent];
    receiver.read_exact(&mut heard).await.unwrap();
    sender.write_all(&[8]).await.unwrap();
    assert_eq!(receiver.read_u8().await.unwrap(), 8);
    assert!(heard.iter().all(|&byte| byte == 7));
}

#[tokio::test(start_paused = true)]
async fn a_line_at_rest_saves_nothing_up() {
    let wire = Arc::new(Wire::new(LINE));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (_, took) = through(&wire, noise(500_000)).await;
    assert_about(took, LINE.delay + Duration::from_millis(500));
}

#[tokio::test]
async fn the_fine_timer_is_never_early_and_can_be_set_again() {
    let mut alarm = Fine::new().unwrap();
    for microseconds in [0, 1, 200, 900, 50] {
        let due = Instant::now() + Duration::from_micros(microseconds);
        alarm.until(due).await.unwrap();
        assert!(Instant::now() >= due);
    }
}

#[test]
fn both_doors_of_a_link_lead_to_the_other_end_and_close_with_it() {
    let ends = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let shaper = Shaper::new().unwrap();
    let line = Line { bits_per_second: 1_000_000_000, delay: Duration::from_micros(100) };
    let doors = shaper.link(line, [0, 1].map(|end: usize| ends[end].local_addr().unwrap())).unwrap();
    let (question, answer) = (noise(700_000), noise(300_000));
    for (end, door) in ends.iter().zip(doors) {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut near = std::net::TcpStream::connect(door).unwrap();
                near.write_all(&question).unwrap();
                // The other direction stays open.
                near.shutdown(std::net::Shutdown::Write).unwrap();
                let mut heard = Vec::new();
                near.read_to_end(&mut heard).unwrap();
                assert!(heard == answer);
            });
            let (mut far, _) = end.accept().unwrap();
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).unwrap();
            assert!(heard == question);
            far.write_all(&answer).unwrap();
        });
    }
    let mut open = std::net::TcpStream::connect(doors[0]).unwrap();
    let (mut far, _) = ends[0].accept().unwrap();
    drop(shaper);
    // Broken or at its end, but not open.
    assert!(matches!(far.read(&mut [0]), Ok(0) | Err(_)));
    assert!(matches!(open.read(&mut [0]), Ok(0) | Err(_)));
    drop(ends);
}
