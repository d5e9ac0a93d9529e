//! From words to a condition.

use super::{Condition, Literal, Operator};
use std::{fmt, iter::Peekable, str::CharIndices};

/// How long a search may be, in characters.
const MAX_LENGTH: usize = 1000;

/// How deep parentheses and `not` may stand in each other.
const MAX_DEPTH: usize = 32;

/// Fields that are durations, and can only be compared with one.
const DURATIONS: [&str; 2] = ["duration", "trace.duration"];

/// Operators, each before those that it begins with.
const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::NotEqual),
    ("!~", Operator::ContainsNot),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
    ("~", Operator::Contains),
];

/// Why words mean nothing: where, what, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The place of the fault, in characters.
    pub(crate) at: usize,
    message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.message)
    }
}

/// One piece of a search.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Operator(Operator),
    Word(String),
    Quoted(String),
}

/// The nanoseconds of a duration with its unit: `50ms`.
pub(crate) fn nanos(text: &str) -> Option<u64> {
    let at = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    };
    // Beyond all times it is the longest one.
    number.parse::<f64>().ok().map(|number| (number * factor).round() as u64)
}

pub(super) fn parse(words: &str) -> Result<Condition, Fault> {
    if words.chars().nth(MAX_LENGTH).is_some() {
        return Err(Fault {
            at: MAX_LENGTH,
            message: format!("a search has at most {MAX_LENGTH} characters"),
        });
    }
    let mut parser = Parser { tokens: tokens(words)?, next: 0, end: words.chars().count(), depth: 0 };
    if parser.tokens.is_empty() {
        return Ok(Condition::All(Vec::new()));
    }
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(_) => Err(parser.fault("this ) closes nothing; leave it out or put it in quotation marks")),
    }
}

fn tokens(words: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = words.char_indices().peekable();
    let place = |byte: usize| words[..byte].chars().count();
    while let Some((at, character)) = rest.peek().copied() {
        let token = match character {
            _ if character.is_whitespace() => {
                rest.next();
                continue;
            }
            '(' | ')' => {
                rest.next();
                if character == '(' { Token::Open } else { Token::Close }
            }
            '"' | '\'' => {
                let closed = quoted(&mut rest, character);
                let message = || format!("this text has no end; close it with {character}");
                Token::Quoted(closed.ok_or_else(|| Fault { at: place(at), message: message() })?)
            }
            '=' | '<' | '>' | '!' | '~' => operator(&words[at..], &mut rest)
                .ok_or_else(|| Fault { at: place(at), message: no_operator(&words[at..]) })?,
            _ => Token::Word(word(&mut rest)),
        };
        tokens.push((place(at), token));
    }
    Ok(tokens)
}

fn quoted(rest: &mut Peekable<CharIndices<'_>>, mark: char) -> Option<String> {
    rest.next();
    let mut text = String::new();
    while let Some((_, character)) = rest.next() {
        match character {
            _ if character == mark => return Some(text),
            '\\' => match rest.peek().copied() {
                Some((_, next @ ('"' | '\'' | '\\'))) => {
                    text.push(next);
                    rest.next();
                }
                _ => text.push('\\'),
            },
            _ => text.push(character),
        }
    }
    None
}

fn operator(words: &str, rest: &mut Peekable<CharIndices<'_>>) -> Option<Token> {
    let length = words.find(|character| !"=<>!~".contains(character)).unwrap_or(words.len());
    let (_, operator) = OPERATORS.into_iter().find(|(written, _)| *written == &words[..length])?;
    (0..length).for_each(|_| {
        rest.next();
    });
    Some(Token::Operator(operator))
}

fn no_operator(words: &str) -> String {
    let written: String =
        words.chars().take_while(|character| "=<>!~".contains(*character)).take(5).collect();
    format!("{written} is no operator; use = != < <= > >= ~ or !~")
}

fn word(rest: &mut Peekable<CharIndices<'_>>) -> String {
    let mut text = String::new();
    while let Some((_, character)) =
        rest.next_if(|(_, next)| !next.is_whitespace() && !"()\"'=<>!~".contains(*next))
    {
        text.push(character);
    }
    text
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// The place behind the last character.
    end: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Condition, Fault> {
        let mut any = vec![self.all()?];
        while self.is_word("or") {
            self.next += 1;
            any.push(self.all()?);
        }
        Ok(only(any, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Fault> {
        let mut all = vec![self.one()?];
        loop {
            if self.is_word("and") {
                self.next += 1;
            } else if matches!(self.peek(), None | Some(Token::Close)) || self.is_word("or") {
                return Ok(only(all, Condition::All));
            }
            all.push(self.one()?);
        }
    }

    fn one(&mut self) -> Result<Condition, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault("this is too deep; use fewer parentheses and not"));
        }
        if self.is_word("not") {
            self.next += 1;
            self.depth += 1;
            let condition = self.one();
            self.depth -= 1;
            return condition.map(|condition| Condition::Not(Box::new(condition)));
        }
        if self.is_word("has") {
            self.next += 1;
            return match self.take() {
                Some(Token::Word(field) | Token::Quoted(field)) => Ok(Condition::Has(field)),
                _ => Err(self.fault_before("has needs the name of a field, such as has db.system.name")),
            };
        }
        match self.take() {
            Some(Token::Open) => self.inside(),
            Some(Token::Word(word)) if matches!(word.to_lowercase().as_str(), "and" | "or") => {
                Err(self.fault_before(&format!("something is missing before {word}")))
            }
            Some(Token::Word(text) | Token::Quoted(text)) => self.compared(text),
            Some(Token::Close) => Err(self.fault_before("something is missing before )")),
            Some(Token::Operator(_)) => {
                Err(self.fault_before("the name of a field is missing before the operator, such as duration"))
            }
            None => {
                Err(self.fault("something is missing here: a text, or a field with an operator and a value"))
            }
        }
    }

    fn inside(&mut self) -> Result<Condition, Fault> {
        let opened = self.next - 1;
        self.depth += 1;
        let condition = self.any()?;
        self.depth -= 1;
        match self.take() {
            Some(Token::Close) => Ok(condition),
            _ => {
                let at = self.tokens.get(opened).map_or(self.end, |(at, _)| *at);
                Err(Fault { at, message: "this ( has no end; close it with )".to_owned() })
            }
        }
    }

    /// A field that is compared, or else a text.
    fn compared(&mut self, text: String) -> Result<Condition, Fault> {
        let Some(Token::Operator(operator)) = self.peek() else {
            return Ok(Condition::Text(text.to_lowercase()));
        };
        let operator = *operator;
        self.next += 1;
        let value = match self.take() {
            Some(Token::Word(value) | Token::Quoted(value)) => value,
            _ => {
                let message = format!("{text} is compared with nothing; write a value behind the operator");
                return Err(self.fault_before(&message));
            }
        };
        let literal = Literal::from(value);
        if DURATIONS.contains(&text.as_str()) && literal.nanos.is_none() {
            let message = format!("{} is no duration; write it with its unit, such as 50ms", literal.text);
            return Err(self.fault_before(&message));
        }
        Ok(Condition::Compare(text, operator, literal))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    /// A fault at the next piece.
    fn fault(&self, message: &str) -> Fault {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        Fault { at, message: message.to_owned() }
    }

    /// A fault at the piece that was taken last.
    fn fault_before(&mut self, message: &str) -> Fault {
        self.next -= 1;
        self.fault(message)
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Literal { integer: text.parse().ok(), number: text.parse().ok(), nanos: nanos(&text), text }
    }
}

/// A condition of several, or the only one.
fn only(mut conditions: Vec<Condition>, of: fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            conditions.extend(last);
            of(conditions)
        }
    }
}
