import Elements
import Guard
import Limits

/// The whole lasting state at one moment as entries, for the head of a new journal segment.
///
/// Each is made when it is its turn, since all at once are as large as the state. Of the switch it keeps
/// only what it reads: while another thread goes through it the switch goes on, and copies no more than
/// the tables that it changes meanwhile.
package struct Checkpoint: Sequence, Sendable {
  private let ledger: Ledger
  private let bindings: BindingTable
  private let novelties: Novelties
  private let habits: HabitBook
  /// Who is banned and known, put together at once: to hold the tables would have the next message copy them.
  private let edge: [GuardChange]
  /// What is few, and is put together from many tables.
  private let calls: [JournalEntry]

  fileprivate init(_ core: SwitchCore) {
    (ledger, bindings) = (core.ledger, core.bindings)
    (novelties, habits) = (core.novelties, core.habits)
    edge = core.admission.checkpoint()
    calls = core.callCheckpoint()
  }

  package func makeIterator() -> AnyIterator<JournalEntry> {
    let parts = [
      AnySequence(ledger.checkpoint().lazy.map(JournalEntry.ledger)),
      AnySequence(bindings.checkpoint().lazy.map(JournalEntry.binding)),
      AnySequence(novelties.checkpoint().lazy.map(JournalEntry.novelty)),
      AnySequence(habits.checkpoint().lazy.map(JournalEntry.habit)),
      AnySequence(edge.lazy.map(JournalEntry.guard)),
      AnySequence(calls),
    ]
    return AnyIterator(parts.joined().makeIterator())
  }
}

extension SwitchCore {
  package func checkpoint() -> Checkpoint { Checkpoint(self) }

  /// The calls that are up or may be answered yet, and the last call's number.
  fileprivate func callCheckpoint() -> [JournalEntry] {
    var entries: [JournalEntry] = [.call(.last(callIDs.last))]
    entries += lateAnswerCheckpoint()
    entries += orphanCheckpoint()
    for id in calls.keys.sorted() {
      guard var call = calls[id]?.value else { continue }
      let paying =
        call.answered.flatMap { call.legs[$0].paid == nil ? nil : $0 }
        ?? call.legs.lastIndex { $0.paid?.isSettled == false }
      entries.append(.call(.open(id, openRecord(of: &call, payingBy: paying))))
      for leg in call.legs.indices {
        if let mark = inviteMark(of: call.legs[leg]) { entries.append(.call(.invited(id, mark))) }
        if let mark = dialogMark(of: &call.legs[leg]) { entries.append(.call(.leg(id, mark))) }
        entries += ringingMarks(of: call.legs[leg]).map { .call(.leg(id, $0)) }
      }
    }
    return entries
  }

  /// The calls without legs whose end is not known yet.
  private func orphanCheckpoint() -> [JournalEntry] {
    var entries: [JournalEntry] = []
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id], !orphan.isRecorded else { continue }
      if let record = orphan.record { entries.append(.call(.open(id, record))) }
      entries += orphan.invites.map { .call(.invited(id, $0)) }
      entries += orphan.ordered.map { .call(.leg(id, $0)) }
    }
    return entries
  }
}
