//! What an expression says.

use super::{
    ExpressionFault,
    function::Function,
    token::{Token, tokens},
};
use crate::{
    filelog::entry::{Root, Value},
    syntax::compiled,
};
use regex::Regex;

/// How many parts an expression may have: each is a step of a recursion when it is evaluated.
const MAX_PARTS: usize = 500;

/// How deep brackets and prefixes may nest.
const MAX_DEPTH: usize = 64;

/// How closely `not` and a minus bind.
const NOT: u8 = 50;
const MINUS: u8 = 90;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Value),
    Root(Root),
    List(Vec<Node>),
    /// A value by its key or place, and whether it may be asked of nothing.
    Member(Box<Node>, Box<Node>, bool),
    Not(Box<Node>),
    Minus(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    /// The second if the first is nothing.
    Otherwise(Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    Matches(Box<Node>, Regex),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

/// An operator that needs both of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Contains,
    StartsWith,
    EndsWith,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// An operator between two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infix {
    And,
    Or,
    Otherwise,
    Matches,
    Binary(Binary),
}

impl Infix {
    /// By its sign or name, with how closely it binds.
    fn of(word: &str) -> Option<(Infix, u8)> {
        use Binary::*;
        Some(match word {
            "or" | "||" => (Infix::Or, 10),
            "and" | "&&" => (Infix::And, 15),
            "==" => (Infix::Binary(Equal), 20),
            "!=" => (Infix::Binary(Unequal), 20),
            "<" => (Infix::Binary(Less), 20),
            "<=" => (Infix::Binary(LessOrEqual), 20),
            ">" => (Infix::Binary(Greater), 20),
            ">=" => (Infix::Binary(GreaterOrEqual), 20),
            "in" => (Infix::Binary(In), 20),
            "contains" => (Infix::Binary(Contains), 20),
            "startsWith" => (Infix::Binary(StartsWith), 20),
            "endsWith" => (Infix::Binary(EndsWith), 20),
            "matches" => (Infix::Matches, 20),
            "+" => (Infix::Binary(Add), 30),
            "-" => (Infix::Binary(Subtract), 30),
            "*" => (Infix::Binary(Multiply), 60),
            "/" => (Infix::Binary(Divide), 60),
            "%" => (Infix::Binary(Modulo), 60),
            "??" => (Infix::Otherwise, 100),
            _ => return None,
        })
    }

    /// Whether `not` may stand before it.
    fn can_be_negated(self) -> bool {
        use Binary::{Contains, EndsWith, In, StartsWith};
        matches!(self, Infix::Matches | Infix::Binary(In | Contains | StartsWith | EndsWith))
    }
}

pub(super) fn parse(text: &str) -> Result<Node, ExpressionFault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len(), parts: 0, depth: 0 };
    let node = parser.whole()?;
    match parser.tokens.get(parser.at) {
        None => Ok(node),
        Some((at, token)) => Err(ExpressionFault::at(*at, format!("{} is too much", shown(token)))),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    /// How long the text is.
    end: usize,
    parts: usize,
    depth: usize,
}

impl Parser {
    /// With the conditional, which binds least.
    fn whole(&mut self) -> Result<Node, ExpressionFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("it nests deeper than 64"));
        }
        let mut node = self.binary(0)?;
        if self.take("?") {
            let then = self.whole()?;
            self.expect(":")?;
            let other = self.whole()?;
            node = self.part(Node::Conditional(Box::new(node), Box::new(then), Box::new(other)))?;
        }
        self.depth -= 1;
        Ok(node)
    }

    /// Operators that bind at least so closely.
    fn binary(&mut self, least: u8) -> Result<Node, ExpressionFault> {
        let mut left = self.unary()?;
        while let Some((infix, binds, is_negated)) = self.infix().filter(|(_, binds, _)| *binds >= least) {
            self.at += 1 + usize::from(is_negated);
            let at = self.place();
            let (one, other) = (Box::new(left), self.binary(binds + 1)?);
            let node = match infix {
                Infix::And => Node::And(one, Box::new(other)),
                Infix::Or => Node::Or(one, Box::new(other)),
                Infix::Otherwise => Node::Otherwise(one, Box::new(other)),
                Infix::Matches => Node::Matches(one, pattern(&other, at)?),
                Infix::Binary(binary) => Node::Binary(binary, one, Box::new(other)),
            };
            left = self.part(node)?;
            if is_negated {
                left = self.part(Node::Not(Box::new(left)))?;
            }
        }
        Ok(left)
    }

    /// The operator that comes, and whether `not` is before it.
    fn infix(&self) -> Option<(Infix, u8, bool)> {
        let word = |at: usize| match &self.tokens.get(at)?.1 {
            Token::Sign(sign) => Some(*sign),
            Token::Name(name) => Some(name.as_str()),
            _ => None,
        };
        match word(self.at)? {
            "not" => {
                let (infix, binds) = Infix::of(word(self.at + 1)?)?;
                infix.can_be_negated().then_some((infix, binds, true))
            }
            other => Infix::of(other).map(|(infix, binds)| (infix, binds, false)),
        }
    }

    fn unary(&mut self) -> Result<Node, ExpressionFault> {
        let wrap: fn(Box<Node>) -> Node;
        let binds = if self.take("!") || self.take_name("not") {
            wrap = Node::Not;
            NOT
        } else if self.take("-") {
            wrap = Node::Minus;
            MINUS
        } else {
            return self.postfix();
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("it nests deeper than 64"));
        }
        let node = Box::new(self.binary(binds)?);
        self.depth -= 1;
        self.part(wrap(node))
    }

    fn postfix(&mut self) -> Result<Node, ExpressionFault> {
        let mut node = self.primary()?;
        loop {
            let is_optional = self.take("?.");
            let key = if self.take("[") {
                let key = self.whole()?;
                self.expect("]")?;
                key
            } else if is_optional || self.take(".") {
                match self.next() {
                    Some(Token::Name(name)) => Node::Literal(Value::Text(name)),
                    _ => return Err(self.fault_before("a key is missing")),
                }
            } else {
                return Ok(node);
            };
            node = self.part(Node::Member(Box::new(node), Box::new(key), is_optional))?;
        }
    }

    fn primary(&mut self) -> Result<Node, ExpressionFault> {
        let node = match self.next() {
            Some(Token::Text(text)) => Node::Literal(Value::Text(text)),
            Some(Token::Integer(number)) => Node::Literal(Value::Integer(number)),
            Some(Token::Double(number)) => Node::Literal(Value::Double(number)),
            Some(Token::Sign("(")) => {
                let node = self.whole()?;
                self.expect(")")?;
                return Ok(node);
            }
            Some(Token::Sign("[")) => Node::List(self.list("]")?),
            Some(Token::Name(name)) => self.named(&name)?,
            Some(token) => return Err(self.fault_before(&format!("{} begins no value", shown(&token)))),
            None => return Err(self.fault("a value is missing at the end")),
        };
        self.part(node)
    }

    fn named(&mut self, name: &str) -> Result<Node, ExpressionFault> {
        let at = self.at;
        if self.take("(") {
            let function = Function::named(name);
            let function = function.map_err(|reason| ExpressionFault::at(self.place_of(at - 1), reason))?;
            let arguments = self.list(")")?;
            return match function.takes(arguments.len()) {
                true => Ok(Node::Call(function, arguments)),
                false => {
                    let words = format!("{name} takes another number of values than {}", arguments.len());
                    Err(ExpressionFault::at(self.place_of(at - 1), words))
                }
            };
        }
        Ok(match name {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            "nil" => Node::Literal(Value::Null),
            "body" | "$" => Node::Root(Root::Body),
            "attributes" => Node::Root(Root::Attributes),
            "resource" => Node::Root(Root::Resource),
            _ => {
                let words = format!("{name} is unknown; there are body, attributes and resource");
                return Err(self.fault_before(&words));
            }
        })
    }

    /// Parts between commas, up to a bracket.
    fn list(&mut self, end: &'static str) -> Result<Vec<Node>, ExpressionFault> {
        let mut nodes = Vec::new();
        while !self.take(end) {
            if !nodes.is_empty() {
                self.expect(",")?;
                if self.take(end) {
                    break;
                }
            }
            nodes.push(self.whole()?);
        }
        Ok(nodes)
    }

    fn part(&mut self, node: Node) -> Result<Node, ExpressionFault> {
        self.parts += 1;
        if self.parts > MAX_PARTS { Err(self.fault("it has more than 500 parts")) } else { Ok(node) }
    }

    fn next(&mut self) -> Option<Token> {
        let (_, token) = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token.clone())
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let is_there = matches!(self.tokens.get(self.at), Some((_, Token::Sign(next))) if *next == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn take_name(&mut self, name: &str) -> bool {
        let is_there = matches!(self.tokens.get(self.at), Some((_, Token::Name(next))) if next == name);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ExpressionFault> {
        if self.take(sign) { Ok(()) } else { Err(self.fault(&format!("{sign} is missing"))) }
    }

    fn place(&self) -> usize {
        self.place_of(self.at)
    }

    fn place_of(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.end, |(at, _)| *at)
    }

    fn fault(&self, reason: &str) -> ExpressionFault {
        ExpressionFault::at(self.place(), reason)
    }

    /// A fault of the word that was just read.
    fn fault_before(&self, reason: &str) -> ExpressionFault {
        ExpressionFault::at(self.place_of(self.at.saturating_sub(1)), reason)
    }
}

fn pattern(node: &Node, at: usize) -> Result<Regex, ExpressionFault> {
    let Node::Literal(Value::Text(pattern)) = node else {
        return Err(ExpressionFault::at(at, "the pattern of matches has to be a text in quotes"));
    };
    compiled(pattern).map_err(|fault| ExpressionFault::at(at, fault))
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => name.clone(),
        Token::Text(text) => format!("{text:?}"),
        Token::Integer(number) => number.to_string(),
        Token::Double(number) => number.to_string(),
        Token::Sign(sign) => (*sign).to_owned(),
    }
}
