package import Elements
package import Guard
package import Limits

/// One fact that must outlive the process; what is large in a place of its own.
package enum JournalEntry: Sendable {
  case ledger(LedgerEntry)
  indirect case binding(BindingChange)
  case call(CallMark)
  indirect case record(CallDetailRecord)
  case alert(Alert)
  case novelty(Novelty)
  indirect case `guard`(GuardChange)
  case habit(HabitChange)
}

/// The facts of one event of the switch, kept or lost together.
package struct JournalBatch: Sendable {
  /// Ascending without gaps, for the life of the installation.
  package let sequence: UInt64
  package let entries: [JournalEntry]
  /// Something goes on only when it is durable; what nobody waits for may be flushed with it.
  ///
  /// Not part of what is kept: a batch that is read back is durable.
  package let isAwaited: Bool

  package init(sequence: UInt64, entries: [JournalEntry], isAwaited: Bool = false) {
    (self.sequence, self.entries, self.isAwaited) = (sequence, entries, isAwaited)
  }

  /// Bytes of room in which most batches can be written without growing it.
  package var room: Int { 96 + 448 * entries.count }

  package func encode(into writer: inout ByteWriter) {
    writer.write(sequence)
    writer.write(UInt32(entries.count))
    for entry in entries { entry.encode(into: &writer) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    sequence = try reader.read()
    var entries: [JournalEntry] = []
    for _ in 0..<(try reader.read(UInt32.self)) { entries.append(try JournalEntry(from: &reader)) }
    self.entries = entries
    isAwaited = false
  }
}

extension JournalEntry {
  package func encode(into writer: inout ByteWriter) {
    switch self {
    case .ledger(let entry):
      writer.write(UInt8(1))
      entry.encode(into: &writer)
    case .binding(let change):
      writer.write(UInt8(2))
      change.encode(into: &writer)
    case .call(let mark):
      writer.write(UInt8(3))
      mark.encode(into: &writer)
    case .record(let record):
      writer.write(UInt8(4))
      record.encode(into: &writer)
    case .alert(let alert):
      writer.write(UInt8(5))
      alert.encode(into: &writer)
    case .novelty(let novelty):
      writer.write(UInt8(6))
      novelty.encode(into: &writer)
    case .guard(let change):
      writer.write(UInt8(7))
      change.encode(into: &writer)
    case .habit(let change):
      writer.write(UInt8(8))
      change.encode(into: &writer)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodingError) {
    let start = reader.offset
    switch try reader.read(UInt8.self) {
    case 1: self = .ledger(try LedgerEntry(from: &reader))
    case 2: self = .binding(try BindingChange(from: &reader))
    case 3: self = .call(try CallMark(from: &reader))
    case 4: self = .record(try CallDetailRecord(from: &reader))
    case 5: self = .alert(try Alert(from: &reader))
    case 6: self = .novelty(try Novelty(from: &reader))
    case 7: self = .guard(try GuardChange(from: &reader))
    case 8: self = .habit(try HabitChange(from: &reader))
    case _: throw ByteCodingError(expected: "a journal entry", offset: start)
    }
  }
}
