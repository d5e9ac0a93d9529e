//! Texts that are a row of values with something between them.

use super::{Outcome, Parse, parse::Parser};
use crate::filelog::entry::{Entry, Key, Map};

/// A row of values that have names: CSV (RFC 4180), with any letter between the values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Csv {
    /// What the values are called.
    pub header: Header,
    /// What stands between the names. Default: what stands between the values.
    pub header_delimiter: Option<char>,
    /// What stands between the values. Default: a comma.
    pub delimiter: char,
    /// What quotes mean.
    pub quotes: Quotes,
    /// From where, to where, and what else.
    pub parse: Parse,
}

/// Where the names of values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Here: `id,severity,message`.
    Names(String),
    /// In the attribute with this key, of each entry.
    Attribute(String),
}

/// What quotes mean in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quotes {
    /// A value between quotes may have everything in it, a quote as two of them; elsewhere there is none.
    #[default]
    Strict,
    /// The same, but a quote that is elsewhere is a letter.
    Lazy,
    /// They are letters.
    Letters,
}

impl Csv {
    /// A row with commas.
    pub fn new(header: Header) -> Self {
        let (quotes, parse) = (Quotes::default(), Parse::default());
        Csv { header, header_delimiter: None, delimiter: ',', quotes, parse }
    }
}

/// A reader of rows.
#[derive(Debug)]
pub(super) struct RowParser {
    parser: Parser,
    names: Names,
    header_delimiter: char,
    delimiter: char,
    quotes: Quotes,
}

#[derive(Debug)]
enum Names {
    Known(Vec<Key>),
    Attribute(String),
}

impl RowParser {
    pub(super) fn new(csv: &Csv) -> Result<Self, String> {
        let header_delimiter = csv.header_delimiter.unwrap_or(csv.delimiter);
        if [csv.delimiter, header_delimiter].iter().any(|letter| matches!(letter, '\r' | '\n' | '"')) {
            return Err("a delimiter is neither a quote nor the end of a line".to_owned());
        }
        let names = match &csv.header {
            Header::Names(names) => Names::Known(named(names, header_delimiter)),
            Header::Attribute(key) => Names::Attribute(key.clone()),
        };
        let parser = Parser::new(&csv.parse)?;
        Ok(RowParser { parser, names, header_delimiter, delimiter: csv.delimiter, quotes: csv.quotes })
    }

    pub(super) fn apply(&self, entry: &mut Entry) -> Outcome {
        let values = row(self.parser.text(entry)?, self.delimiter, self.quotes)?;
        let map = match &self.names {
            Names::Known(names) => joined(names, values)?,
            Names::Attribute(key) => {
                let value =
                    entry.attributes.value(key).ok_or_else(|| format!("there is no attribute {key}"))?;
                let text = value
                    .text()
                    .ok_or_else(|| format!("the attribute {key} is {}, no text", value.kind()))?;
                joined(&named(text, self.header_delimiter), values)?
            }
        };
        self.parser.write(entry, map)
    }
}

fn named(names: &str, delimiter: char) -> Vec<Key> {
    names.split(delimiter).map(Key::from).collect()
}

fn joined(names: &[Key], values: Vec<String>) -> Result<Map, String> {
    if names.len() != values.len() {
        return Err(format!("there are {} values for {} names", values.len(), names.len()));
    }
    let pairs = names.iter().cloned().zip(values.into_iter().map(Into::into));
    Ok(Map::of_pairs(pairs.collect()))
}

/// The values of a row. The end of a line is a letter: what is read here is one entry.
fn row(text: &str, delimiter: char, quotes: Quotes) -> Result<Vec<String>, &'static str> {
    if quotes == Quotes::Letters {
        return Ok(text.split(delimiter).map(str::to_owned).collect());
    }
    let (mut values, mut rest) = (Vec::new(), text);
    loop {
        let (value, behind) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted, delimiter, quotes)?,
            None => {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                if quotes == Quotes::Strict && rest[..end].contains('"') {
                    return Err("a quote stands in a value that does not begin with one");
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        values.push(value);
        match behind.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None => return Ok(values),
        }
    }
}

/// What stands between quotes, the first of which was read; and what stands behind the second.
fn unquoted(text: &str, delimiter: char, quotes: Quotes) -> Result<(String, &str), &'static str> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let Some((before, behind)) = rest.split_once('"') else {
            return match quotes {
                Quotes::Strict => Err("a quote is not closed"),
                _ => Ok((value + rest, "")),
            };
        };
        value.push_str(before);
        rest = behind;
        if let Some(behind) = rest.strip_prefix('"') {
            value.push('"');
            rest = behind;
        } else if rest.is_empty() || rest.starts_with(delimiter) {
            return Ok((value, rest));
        } else if quotes == Quotes::Strict {
            return Err("something stands between a closing quote and the next value");
        } else {
            value.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filelog::entry::{Field, Value};
    use proptest::prelude::*;

    #[test]
    fn rows_are_read_with_their_quotes() {
        use Quotes::{Lazy, Letters, Strict};
        for (text, quotes, expected) in [
            ("1,debug,Debug Message", Strict, Ok(vec!["1", "debug", "Debug Message"])),
            (",,", Strict, Ok(vec!["", "", ""])),
            ("", Strict, Ok(vec![""])),
            (r#""a,b","c ""d""",""#, Lazy, Ok(vec!["a,b", r#"c "d""#, ""])),
            (r#""a,b","c"#, Strict, Err("a quote is not closed")),
            ("\"two\nlines\",three\nfour", Strict, Ok(vec!["two\nlines", "three\nfour"])),
            (r#""a,b","c"#, Lazy, Ok(vec!["a,b", "c"])),
            (r#"say "hi",b"#, Strict, Err("a quote stands in a value that does not begin with one")),
            (r#"say "hi",b"#, Lazy, Ok(vec![r#"say "hi""#, "b"])),
            (r#""a"b,c"#, Strict, Err("something stands between a closing quote and the next value")),
            (r#""a"b",c"#, Lazy, Ok(vec![r#"a"b"#, "c"])),
            (r#""a,b""#, Letters, Ok(vec![r#""a"#, r#"b""#])),
        ] {
            let read = row(text, ',', quotes);
            let read = read.as_ref().map(|values| values.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(read.map_err(|fault| *fault), expected, "{text}");
        }
    }

    // The documentation's examples.
    #[test]
    fn values_get_the_names_of_the_header() {
        let expected = Map::from([
            ("id", "1".into()),
            ("severity", "debug".into()),
            ("message", "Debug Message".into()),
        ]);
        let names = || Header::Names("id,severity,message".into());
        let mut entry = Entry::of("1,debug,Debug Message");
        RowParser::new(&Csv::new(names())).unwrap().apply(&mut entry).unwrap();
        assert_eq!((&entry.body, &entry.attributes), (&Value::from("1,debug,Debug Message"), &expected));

        let mut csv = Csv { delimiter: '\t', header_delimiter: Some(','), ..Csv::new(names()) };
        csv.parse.from = "body.message".parse().unwrap();
        csv.parse.to = Field::BODY;
        let mut entry = Entry::of(Map::from([("message", "1\tdebug\tDebug Message".into())]));
        RowParser::new(&csv).unwrap().apply(&mut entry).unwrap();
        let mut body = expected.clone();
        body.insert("message", "Debug Message");
        assert_eq!(entry.body, Value::Map(body));

        let mut entry = Entry::of("1,debug,Debug Message");
        entry.attributes.insert("Fields", "id,severity,message");
        let dynamic = RowParser::new(&Csv::new(Header::Attribute("Fields".into()))).unwrap();
        dynamic.apply(&mut entry).unwrap();
        entry.attributes.remove("Fields");
        assert_eq!(entry.attributes, expected);
        let fault = dynamic.apply(&mut Entry::of("1,debug,Hello")).unwrap_err();
        assert_eq!(fault, "there is no attribute Fields");
    }

    #[test]
    fn a_row_with_too_few_or_too_many_values_stays_as_it_is() {
        let parser = RowParser::new(&Csv::new(Header::Names("a,b".into()))).unwrap();
        for (text, count) in [("1", 1), ("1,2,3", 3), ("", 1)] {
            let mut entry = Entry::of(text);
            let fault = parser.apply(&mut entry).unwrap_err();
            assert_eq!(
                (fault, entry),
                (format!("there are {count} values for 2 names").into(), Entry::of(text))
            );
        }
        let fault =
            RowParser::new(&Csv { delimiter: '\n', ..Csv::new(Header::Names("a".into())) }).unwrap_err();
        assert_eq!(fault, "a delimiter is neither a quote nor the end of a line");
    }

    proptest! {
        #[test]
        fn what_is_written_as_a_row_is_read_again(values in prop::collection::vec("[a\", \n]{0,5}", 1..5)) {
            let quoted: Vec<String> =
                values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            prop_assert_eq!(row(&quoted.join(","), ',', Quotes::Strict), Ok(values.clone()));
            prop_assert_eq!(row(&quoted.join(","), ',', Quotes::Lazy), Ok(values));
        }
    }
}
