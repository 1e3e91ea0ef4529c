//! Where the steps of a path lead. What is gone through is counted: an evaluation ends, whatever was typed.

use std::cell::Cell;

use serde_json::Value;

use super::{
    Missing, Problem,
    ast::{Block, Condition, Slice, Step},
    compare,
};

/// What any evaluation may go through.
const STEPS: usize = 2_000_000;
/// What it may go through for each value that there is.
const STEPS_PER_VALUE: usize = 100;
/// Bytes of a text that are looked at as one step.
const BYTES_PER_STEP: usize = 16;
/// Bytes of a text that are printed as one step.
const BYTES_PER_PRINT: usize = 128;

/// What evaluates: how missing fields are taken, and what is left of the budget.
struct Evaluation {
    missing: Missing,
    left: Cell<usize>,
}

type Values<'a> = Vec<&'a Value>;

/// What each block of a template leads to.
pub(super) fn blocks<'a>(
    blocks: &'a [Block],
    object: &'a Value,
    missing: Missing,
) -> Result<Vec<Values<'a>>, Problem> {
    let mut found = Vec::new();
    Evaluation::of(object, missing).blocks(blocks, object, &mut found)?;
    Ok(found)
}

/// What a path leads to.
pub(super) fn path<'a>(
    steps: &'a [Step],
    object: &'a Value,
    missing: Missing,
) -> Result<Values<'a>, Problem> {
    Evaluation::of(object, missing).walk(steps, object)
}

impl Evaluation {
    fn of(object: &Value, missing: Missing) -> Self {
        let steps = size(object).saturating_mul(STEPS_PER_VALUE).saturating_add(STEPS);
        Self { missing, left: Cell::new(steps) }
    }

    fn spend(&self, steps: usize) -> Result<(), Problem> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| Problem::new("it takes too many steps"))
    }

    fn blocks<'a>(
        &self,
        blocks: &'a [Block],
        object: &'a Value,
        found: &mut Vec<Values<'a>>,
    ) -> Result<(), Problem> {
        for block in blocks {
            self.spend(1)?;
            match block {
                Block::Text(text) => found.push(vec![text]),
                Block::Expression(steps) => {
                    let values = self.walk(steps, object)?;
                    for value in &values {
                        self.spend(printed(value))?;
                    }
                    found.push(values);
                }
                Block::Range { over, body } => {
                    for value in self.walk(over, object)? {
                        self.blocks(body, value, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn walk<'a>(&self, steps: &'a [Step], object: &'a Value) -> Result<Values<'a>, Problem> {
        self.go(steps, vec![object])
    }

    fn go<'a>(&self, steps: &'a [Step], mut values: Values<'a>) -> Result<Values<'a>, Problem> {
        for step in steps {
            self.spend(1 + values.len())?;
            values = self.step(step, values)?;
        }
        Ok(values)
    }

    fn step<'a>(&self, step: &'a Step, values: Values<'a>) -> Result<Values<'a>, Problem> {
        let mut found = Vec::new();
        match step {
            Step::Literal(value) => return Ok(vec![value]),
            Step::Union(parts) => {
                for part in parts {
                    self.spend(values.len())?;
                    found.extend(self.go(part, values.clone())?);
                }
                return Ok(found);
            }
            Step::Field(name) => {
                found.extend(values.iter().filter_map(|value| field(value, name)));
                let is_missing = found.is_empty() && !values.is_empty();
                return match is_missing && self.missing == Missing::Refused {
                    true => Err(Problem::new(format!("{name} is not found"))),
                    false => Ok(found),
                };
            }
            _ => {}
        }
        for value in values {
            match step {
                Step::Members => found.extend(children(value)),
                Step::Items => match value {
                    Value::Object(_) | Value::Array(_) => found.extend(children(value)),
                    Value::Null => {}
                    other => return Err(no_array(other)),
                },
                Step::Recursive => self.descend(value, &mut found)?,
                Step::Index(index) => found.extend(at_index(value, *index)?),
                Step::Slice(slice) => found.extend(slice_of(value, *slice)?),
                Step::Filter(condition) => {
                    let Value::Array(items) = value else {
                        return Err(Problem::new(format!("{} and cannot be filtered", no_array(value))));
                    };
                    for item in items {
                        self.spend(1)?;
                        if self.holds(condition, item)? {
                            found.push(item);
                        }
                    }
                }
                Step::Literal(_) | Step::Union(_) | Step::Field(_) => {}
            }
            self.spend(found.len() / 64)?;
        }
        self.spend(found.len())?;
        Ok(found)
    }

    /// A value and all that is in it, but what has nothing in it.
    fn descend<'a>(&self, value: &'a Value, found: &mut Values<'a>) -> Result<(), Problem> {
        self.spend(1)?;
        let has_something = match value {
            Value::String(text) => !text.is_empty(),
            other => children(other).next().is_some(),
        };
        if has_something {
            found.push(value);
            for child in children(value) {
                self.descend(child, found)?;
            }
        }
        Ok(())
    }

    fn holds<'a>(&self, condition: &'a Condition, item: &'a Value) -> Result<bool, Problem> {
        self.spend(1)?;
        match condition {
            Condition::Any(conditions) => {
                for condition in conditions {
                    if self.holds(condition, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::All(conditions) => {
                for condition in conditions {
                    if !self.holds(condition, item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Not(condition) => self.holds(condition, item).map(|holds| !holds),
            // What leads nowhere does not exist; that the budget is spent is noticed with the next step.
            Condition::Exists(steps) => Ok(self.walk(steps, item).is_ok_and(|values| !values.is_empty())),
            Condition::Compare(left, comparison, right) => {
                let (Some(left), Some(right)) = (self.operand(left, item)?, self.operand(right, item)?)
                else {
                    return Ok(false);
                };
                self.spend((text_length(left).min(text_length(right))) / BYTES_PER_STEP)?;
                compare::holds(left, *comparison, right)
            }
            Condition::Matches(left, expression) => match self.operand(left, item)? {
                None | Some(Value::Null) => Ok(false),
                Some(Value::String(text)) => {
                    self.spend(text.len() / BYTES_PER_STEP * expression.as_str().len())?;
                    Ok(expression.is_match(text))
                }
                Some(_) => Err(Problem::new("=~ compares texts")),
            },
        }
    }

    fn operand<'a>(&self, steps: &'a [Step], item: &'a Value) -> Result<Option<&'a Value>, Problem> {
        let values = self.walk(steps, item)?;
        match values.len() {
            0 | 1 => Ok(values.first().copied()),
            _ => Err(Problem::new("can only compare one element at a time")),
        }
    }
}

/// A field by its name; where there is none of that name, by what kubectl's objects call it.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let own = || match name {
        "creationTimestamp" => value.get("createdAt"),
        "uid" => value.get("id"),
        "resourceVersion" => value.get("version"),
        "startTime" => value.get("startedAt"),
        "completionTime" => value.get("finishedAt"),
        _ => None,
    };
    value.get(name).or_else(own)
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn items(value: &Value) -> Result<&[Value], Problem> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&[]),
        other => Err(no_array(other)),
    }
}

fn at_index(value: &Value, index: i64) -> Result<Option<&Value>, Problem> {
    let items = items(value)?;
    if value.is_null() {
        return Ok(None);
    }
    let length = items.len() as i64;
    let place = if index < 0 { index.saturating_add(length) } else { index };
    let item = usize::try_from(place).ok().and_then(|place| items.get(place));
    item.map(Some).ok_or_else(|| out_of_bounds(place, length))
}

fn slice_of(value: &Value, slice: Slice) -> Result<impl Iterator<Item = &Value>, Problem> {
    let items = items(value)?;
    let length = items.len() as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let (from, to) = (place(slice.from), slice.to.map_or(length, place));
    let chosen = if from == to || value.is_null() {
        &[][..]
    } else if from < 0 || from >= length {
        return Err(out_of_bounds(from, length));
    } else if to < 0 || to > length {
        return Err(out_of_bounds(to.saturating_sub(1), length));
    } else if from > to {
        return Err(Problem::new(format!("starting index {from} is greater than ending index {to}")));
    } else {
        let place = |index: i64| usize::try_from(index).unwrap_or_default();
        &items[place(from)..place(to)]
    };
    Ok(chosen.iter().step_by(slice.step))
}

fn out_of_bounds(index: i64, length: i64) -> Problem {
    Problem::new(format!("array index out of bounds: index {index}, length {length}"))
}

fn no_array(value: &Value) -> Problem {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Problem::new(format!("{kind} is not array or slice"))
}

fn text_length(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

/// About how long it is to print, in steps.
fn printed(value: &Value) -> usize {
    match value {
        Value::Array(_) | Value::Object(_) => size(value),
        other => 1 + text_length(other) / BYTES_PER_PRINT,
    }
}

/// How many values there are in one.
fn size(value: &Value) -> usize {
    1 + text_length(value) / BYTES_PER_PRINT + children(value).map(size).sum::<usize>()
}
