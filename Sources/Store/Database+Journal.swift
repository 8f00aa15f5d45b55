import GRDB
import Elements
import Limits
import Switch

extension Database {
  /// How far a stream was followed, and in which journal; nil before the first time.
  func journalPosition(
    _ stream: JournalFollower.Stream
  ) throws(StoreError) -> (identity: UInt64, sequence: UInt64)? {
    try read("reading the journal's position") { db in
      try Row.fetchOne(
        db, sql: "SELECT journal, sequence FROM journal_position WHERE stream = ?",
        arguments: [stream.rawValue]
      ).map { (UInt64($0["journal"] as Int64), UInt64($0["sequence"] as Int64)) }
    }
  }

  func moveJournalPosition(
    _ stream: JournalFollower.Stream, of journal: Journal, to sequence: UInt64
  ) throws(StoreError) {
    try write("writing the journal's position") { db in
      try Database.store(stream, journal.identity, sequence, in: db)
    }
  }

  /// Writes what the batches lead to and the position behind them, in one transaction.
  func apply(
    _ frames: [JournalFrame], of stream: JournalFollower.Stream, journal: Journal,
    through sequence: UInt64
  ) throws(StoreError) {
    try write("following the journal") { db in
      switch stream {
      case .records: try Database.applyRecords(frames, of: journal, in: db)
      case .bindings: try Database.applyBindings(frames, of: journal, in: db)
      }
      try Database.store(stream, journal.identity, sequence, in: db)
    }
    if frames.contains(where: { stream == .records && $0.marks.contains(.alert) }) {
      ringAlertBell()
    }
  }

  private static func applyRecords(
    _ frames: [JournalFrame], of journal: Journal, in db: GRDB.Database
  ) throws {
    let (calls, alerts) = (try CallRecordWriter(db), try AlertWriter(db))
    for frame in frames {
      for entry in try entries(of: frame, in: journal) {
        switch entry {
        case .record(let record): try calls.insert(record)
        case .alert(let alert): try alerts.insert(alert)
        case .ledger(.deposited(let subject, micros: let micros, reference: let reference)):
          try Payment.book(reference, of: subject, isTakenBack: micros < 0, in: db)
        case .ledger, .binding, .call, .novelty, .habit, .guard: break
        }
      }
    }
  }

  /// Of several changes of one binding only the last one counts; one that comes and goes is remembered as having been.
  private static func applyBindings(
    _ frames: [JournalFrame], of journal: Journal, in db: GRDB.Database
  ) throws {
    var places: [BindingPlace: Int] = [:]
    var changes: [BindingChange] = []
    for frame in frames {
      for case .binding(let change) in try entries(of: frame, in: journal) {
        let place = BindingPlace(change)
        if let index = places[place], !(changes[index].isPut && !change.isPut) {
          changes[index] = change
        } else {
          places[place] = changes.count
          changes.append(change)
        }
      }
    }
    let bindings = try BindingWriter(db)
    for change in changes { try bindings.apply(change) }
  }

  private static func entries(
    of frame: JournalFrame, in journal: Journal
  ) throws -> [JournalEntry] {
    do { return try JournalBatch(frame).entries } catch {
      throw StoreError.journal(
        .unreadableEntry(path: journal.folder, sequence: frame.sequence, reason: "\(error)"))
    }
  }

  /// Wakes whoever sends alerts.
  package func ringAlertBell() {
    alertBell.change {
      $0 += 1
      return true
    }
  }

  private static func store(
    _ stream: JournalFollower.Stream, _ identity: UInt64, _ sequence: UInt64,
    in db: GRDB.Database
  ) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO journal_position (stream, journal, sequence) VALUES (?, ?, ?)
        ON CONFLICT (stream) DO UPDATE
        SET journal = excluded.journal, sequence = excluded.sequence
        """
    ).execute(arguments: [stream.rawValue, Int64(identity), Int64(sequence)])
  }

  /// Takes the journal as it is from now on, after the old one was lost for good: an operator's act.
  ///
  /// What the lost journal held of spending, calls and registrations is gone; the trail says so. Payments
  /// may be paid in again. `moving` comes last in the transaction: where it fails, nothing has changed.
  func acceptNewJournal(
    by actor: String, at time: WallTime, moving: () throws(StoreError) -> Void
  ) throws(StoreError) {
    try write("accepting a new journal") { db in
      try db.execute(sql: "DELETE FROM journal_position")
      try db.execute(sql: "DELETE FROM payment")
      try append(
        AuditEntry(
          tenant: nil, at: time, actor: actor, action: "journal.replaced", subject: "journal",
          detail: "The journal before was given up; what was spent under it is forgotten."), in: db)
      try moving()
    }
  }
}

extension BindingChange {
  fileprivate var isPut: Bool {
    if case .put = self { true } else { false }
  }
}

/// What makes two changes the same binding's.
private struct BindingPlace: Hashable {
  let `extension`: ExtensionID
  let key: Binding.Key

  init(_ change: BindingChange) {
    switch change {
    case .put(let binding): (self.extension, key) = (binding.extension, binding.key)
    case .removed(let `extension`, let key): (self.extension, self.key) = (`extension`, key)
    }
  }
}
