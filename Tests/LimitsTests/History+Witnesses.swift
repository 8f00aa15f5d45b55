import Elements

@testable import Limits

// What is looked at after every step.

extension History {
  func isLost(_ entry: LedgerEntry) -> Bool {
    switch (fault, entry) {
    case (.forgetsHolds, .opened), (.forgetsSlices, .raised), (.forgetsSettlements, .finished),
      (.forgetsBlocks, .blocked):
      true
    case (_, _): false
    }
  }

  /// Lets the second ledger read what was written since.
  mutating func follow() {
    while read < bench.entries.count {
      let entry = bench.entries[read]
      read += 1
      var writer = ByteWriter()
      entry.encode(into: &writer)
      if writer.bytes.count >= 100 { complaints.append("\(writer.bytes.count) bytes: \(entry)") }
      var reader = ByteReader(writer.bytes)
      guard let back = try? LedgerEntry(from: &reader), back == entry, reader.isAtEnd else {
        complaints.append("not read back: \(entry)")
        continue
      }
      guard !isLost(entry) else { continue }
      do { try shadow.replay(back) } catch { complaints.append("replay: \(error)") }
    }
  }

  func windows() -> [LimitSubject: Standing] {
    var standings: [LimitSubject: Standing] = [:]
    for line in bench.book.lines {
      standings[line.subject] = bench.ledger.standing(of: line.subject, at: bench.now)
    }
    return standings
  }

  mutating func watch(since before: [LimitSubject: Standing], step: Int) {
    let after = windows()
    for line in bench.book.lines {
      guard let standing = after[line.subject] else { continue }
      watchLimits(before[line.subject], standing)
      if !options.zoneChanges { watchReference(standing) }
    }
    watchJournal()
    watchCarrier()
    worst.append((bench.entries.count, carried + truths.values.reduce(0) { $0 + worstCost($1) }))
    if !complaints.isEmpty { complaints[0] = "step \(step), \(doing): " + complaints[0] }
  }

  /// I1: no step raises what is posted and reserved above a limit.
  mutating func watchLimits(_ before: Standing?, _ after: Standing) {
    for window in after.windows {
      guard let limit = window.limit else { continue }
      let committed = window.posted + window.reserved
      let same = before?.windows.first {
        $0.meter == window.meter && $0.kind == window.kind
          && ($0.kind == .rolling || $0.from == window.from && $0.until == window.until)
      }
      // What was held when a limit was lowered, or a window rolled, is no breach by this step.
      let earlier = same.map { $0.posted + $0.reserved } ?? before?.reserved.micros ?? 0
      // A crash takes the rolling clock back to the last entry: what had left may count again.
      if doing == "crash", window.kind == .rolling { continue }
      // A window that another zone opened begins with what was counted before.
      if same == nil, options.zoneChanges { continue }
      if committed > max(limit + window.granted, earlier) {
        complaints.append("I1: \(after.subject) \(window.meter) \(window.kind): \(window)")
      }
    }
  }

  mutating func watchReference(_ standing: Standing) {
    let subject = standing.subject
    for window in standing.windows where window.limit != nil {
      let used = reference.used(subject, window.meter, window.kind)
      let granted = reference.granted(subject, window.meter, window.kind)
      if used != window.posted || granted != window.granted {
        complaints.append("\(subject): \(window), the reference has \(used) and \(granted)")
      }
    }
    if standing.reserved.micros != reference.reserved(subject) {
      complaints.append(
        "\(subject) reserves \(standing.reserved), the reference \(reference.reserved(subject))")
    }
    if (standing.block == nil) != (reference.subjects[subject]?.block == nil) {
      complaints.append("\(subject) block: \(String(describing: standing.block))")
    }
  }

  /// Replaying the journal gives the same ledger, after every step.
  mutating func watchJournal() {
    var copy = shadow
    copy.time = bench.ledger.time
    if !copy.checkpoint().elementsEqual(bench.ledger.checkpoint()) {
      complaints.append("the journal does not give the ledger back")
    }
  }

  /// What the carrier may take in the end if the process dies now.
  private func worstCost(_ truth: Truth) -> Int64 {
    guard let answer = truth.answer else { return cost(truth, .seconds(10) + truth.guardTime) }
    return cost(truth, truth.lastMoment + truth.guardTime - answer)
  }

  /// I7: what the carrier took in all stays under what the ledger counted.
  mutating func watchCarrier() {
    let counted = reference.subjects[.platform]?.postings
      .reduce(Int64(0)) { $0 + ($1.quantity == .money ? $1.amount : 0) }
    if bench.book.lines.first(where: { $0.subject == .platform })?.limits.basis != .sell,
      let counted, counted < carried
    {
      complaints.append("I7: the carrier took \(carried), counted was \(counted)")
    }
  }

  mutating func outcome(
    _ body: (inout Bench) throws(LimitError) -> Reservation
  ) -> Result<Reservation, LimitError> {
    do throws(LimitError) {
      let reservation = try body(&bench)
      accepted += 1
      return .success(reservation)
    } catch {
      refused += 1
      return .failure(error)
    }
  }

  mutating func plainly(
    _ body: (inout Reference) throws(Reference.Refused) -> Int64
  ) -> Result<Int64, Reference.Refused> {
    do throws(Reference.Refused) { return .success(try body(&reference)) } catch {
      return .failure(error)
    }
  }

  mutating func compare(
    _ what: String, _ mine: Result<Reservation, LimitError>,
    _ theirs: Result<Int64, Reference.Refused>
  ) {
    guard !options.zoneChanges else { return }
    switch (mine, theirs) {
    case (.success(let reservation), .success(let talk)):
      if reservation.talkTime != .milliseconds(talk) {
        complaints.append("\(what): \(reservation.talkTime) of talk, the reference \(talk) ms")
      }
    case (.failure(let error), .failure(let refused)):
      if error.plainWords != refused.words {
        complaints.append("\(what): \(error.plainWords), the reference \(refused.words)")
      }
    case (.success, .failure(let refused)):
      complaints.append("\(what): granted, the reference refuses: \(refused.words)")
    case (.failure(let error), .success):
      complaints.append("\(what): refused (\(error)), the reference grants")
    }
  }
}
