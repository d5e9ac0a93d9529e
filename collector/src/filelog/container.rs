//! Lines of containers as containerd and CRI-O write them, by the rules of CRI, and the paths that a kubelet gives their
//! files.
//!
//! ```
//! use throughline_collector::filelog::container::{Cri, nanoseconds};
//!
//! let line = Cri::of("2023-06-22T10:27:25.813799277Z stdout P a line that i").unwrap();
//! assert_eq!((line.stream, line.text, line.is_partial()), ("stdout", "a line that i", true));
//! assert_eq!(nanoseconds(line.time), Some(1_687_429_645_813_799_277));
//! ```
//! What is read are parts of the line: nothing is copied. Docker's lines are JSON, and read as such.
//!
//! # Limits
//! What is no line of a container has no parts, and whoever asks has to keep it as it is. Times are those from 1970 to
//! 2554.

/// A line of CRI: `TIME STREAM TAG TEXT` (B-064).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cri<'a> {
    /// When it was written, by RFC 3339.
    pub time: &'a str,
    /// `stdout` or `stderr`.
    pub stream: &'a str,
    /// `F`: the line ends here; `P`: it goes on. There may be more behind a colon.
    pub tag: &'a str,
    /// What was written.
    pub text: &'a str,
}

/// What the path of a pod's log says (B-064): `…/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name of the pod.
    pub pod: &'a str,
    /// Its unique id.
    pub uid: &'a str,
    /// The name of the container.
    pub container: &'a str,
    /// How often it was started again, in digits.
    pub restarts: &'a str,
}

impl<'a> Cri<'a> {
    /// Reads a line; `None`: it is none.
    pub fn of(line: &'a str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (stream, rest) = rest.split_once(' ')?;
        // A line without text may end with its tag.
        let (tag, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_line = !time.is_empty() && matches!(stream, "stdout" | "stderr");
        is_line.then_some(Cri { time, stream, tag, text })
    }

    /// Whether the next line of the stream goes on with the text.
    pub fn is_partial(&self) -> bool {
        self.tag == "P" || self.tag.starts_with("P:")
    }
}

impl<'a> Place<'a> {
    /// Reads a path; `None`: it is none of a pod's logs.
    pub fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.rsplit(['/', '\\']);
        let (file, container, pod) = (parts.next()?, parts.next()?, parts.next()?);
        let (restarts, rotated) = file.split_once(".log")?;
        // It began somewhere.
        parts.next()?;
        let is_name = |part: &str| !part.is_empty();
        let is_file = is_name(restarts)
            && restarts.bytes().all(|byte| byte.is_ascii_digit())
            && (rotated.is_empty() || is_rotation(rotated));
        let mut words = pod.split('_');
        let (namespace, pod, uid) = (words.next()?, words.next()?, words.next()?);
        let is_id = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f' | b'-');
        let is_pod = words.next().is_none()
            && [namespace, pod, uid].into_iter().all(is_name)
            && uid.bytes().all(is_id)
            && is_name(container)
            && !container.contains(['.', '_']);
        (is_file && is_pod).then_some(Place { namespace, pod, uid, container, restarts })
    }
}

/// The nanoseconds since 1970 of a time by RFC 3339; `None`: it is none, or not one of 1970 to 2554. Of a fraction nine
/// digits count.
pub fn nanoseconds(time: &str) -> Option<u64> {
    let bytes = time.as_bytes();
    let number = |from: usize, to: usize| {
        bytes.get(from..to)?.iter().try_fold(0u64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
        })
    };
    let has_separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
        .iter()
        .all(|(at, separator)| bytes.get(*at).is_some_and(|byte| byte.to_ascii_uppercase() == *separator));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_time = has_separators && hour < 24 && minute < 60 && second <= 60;
    let (nanoseconds, rest) = fraction(bytes.get(19..)?)?;
    let offset = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = bytes.len() - 5;
            let (hours, minutes) = (number(at, at + 2)?, number(at + 3, at + 5)?);
            let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day)? * 86_400 + (hour * 3600 + minute * 60 + second) as i64 - offset;
    let seconds = u64::try_from(seconds).ok().filter(|_| is_time)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

/// What a kubelet puts behind the name of a file that it puts aside: `.20260102-030405`.
fn is_rotation(suffix: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| if at == 9 { byte == b'-' } else { byte.is_ascii_digit() };
    suffix.len() == 16 && suffix.starts_with('.') && suffix.bytes().enumerate().skip(1).all(is_digit)
}

/// The nanoseconds of a fraction, if there is one, and what stands behind it.
fn fraction(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let Some(digits) = bytes.strip_prefix(b".") else { return Some((0, bytes)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digit = |at: usize| digits.get(at).filter(|_| at < count).map_or(0, |byte| u64::from(byte - b'0'));
    (count > 0).then(|| ((0..9).fold(0, |number, at| number * 10 + digit(at)), &digits[count..]))
}

/// Days since 1970; `None`: there is no such day.
fn days(year: u64, month: u64, day: u64) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(is_leap),
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > longest {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days as i64 - 719_468)
}

#[cfg(test)]
mod tests;
