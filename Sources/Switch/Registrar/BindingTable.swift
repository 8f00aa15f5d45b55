import Elements
import SIP

/// Who can be reached where: the live bindings of every extension, and what of them is on disk.
///
/// A phone refreshes every few minutes and a restart must not lose it, yet not each refresh is worth
/// a write. So a binding is written with an expiry that lies ``slack(for:)`` behind the phone's own,
/// and written again only when a refresh passes it.
struct BindingTable: Sendable {
  private struct Entry: Sendable {
    var binding: Binding
    /// The expiry that a restart would restore.
    var durableUntil: WallTime

    init(_ binding: Binding, durableUntil: WallTime) {
      (self.binding, self.durableUntil) = (binding, durableUntil)
    }

    init(_ binding: Binding, granted: Duration) {
      self.init(
        binding, durableUntil: binding.expiresAt + BindingTable.slack(for: granted))
    }

    /// As the journal has it.
    var durable: Binding {
      var binding = binding
      binding.expiresAt = durableUntil
      return binding
    }
  }

  private struct Place: Hashable, Sendable {
    let `extension`: ExtensionID
    let key: Binding.Key
  }

  /// The bindings of one extension.
  private struct Line: Sendable {
    let `extension`: ExtensionID
    var entries: [Entry] = []
    /// The moment at which it is in the queue.
    var scheduled: Instant?
  }

  /// One for each extension that ever had a binding; kept when it has none, until the extension is gone.
  private var lines: [Line] = []
  private var places: [ExtensionID: Int] = [:]
  /// Which bindings die with a connection.
  private var byConnection: [FlowID: Set<Place>] = [:]
  /// How many bindings receive datagrams at an address and port.
  private var byEndpoint: [Endpoint: Int] = [:]
  /// What a replay has of connections, which did not outlive the process: nobody can be reached by them.
  private var disconnected: [Place: Binding] = [:]
  /// The same once the replay has ended, until somebody takes note of who was where.
  private var departed: [Binding] = []
  private(set) var expiries = DeadlineQueue<ExtensionID>()
  private(set) var count = 0

  /// How far behind the phone's own expiry the journal's lies.
  static func slack(for granted: Duration) -> Duration { max(granted / 2, .seconds(600)) }

  /// When the next binding runs out, at the earliest.
  var deadline: Instant? { expiries.next }

  /// The live bindings of an extension, preferred ones first, then the newest.
  func bindings(of extension: ExtensionID, at wall: WallTime) -> [Binding] {
    guard let line = places[`extension`] else { return [] }
    if lines[line].entries.count == 1 {
      let only = lines[line].entries[0].binding
      return only.expiresAt > wall ? [only] : []
    }
    return lines[line].entries.map(\.binding).filter { $0.expiresAt > wall }
      .sorted {
        ($1.preference, $1.registeredAt, $0.key) < ($0.preference, $0.registeredAt, $1.key)
      }
  }

  /// As ``bindings(of:at:)``, one after the other.
  ///
  /// The usual only one is read where it is, which is why it is `inout`: a copy would count a reference for each of its texts.
  mutating func visit(
    _ extension: ExtensionID, at wall: WallTime, _ body: (inout Binding) -> Void
  ) {
    guard let line = places[`extension`] else { return }
    guard lines[line].entries.count == 1 else {
      for var binding in bindings(of: `extension`, at: wall) { body(&binding) }
      return
    }
    if lines[line].entries[0].binding.expiresAt > wall { body(&lines[line].entries[0].binding) }
  }

  /// How many bindings a line has at most: some may have run out.
  func knownCount(in line: Int) -> Int { lines[line].entries.count }

  /// Whether a message on this flow comes from a registered phone of the extension.
  func isRegistered(_ extension: ExtensionID, on flow: Flow, at wall: WallTime) -> Bool {
    guard let line = places[`extension`] else { return false }
    return lines[line].entries.contains { $0.binding.flow == flow && $0.binding.expiresAt > wall }
  }

  /// Whether a flow is that of a registered phone, of whichever extension.
  func isRegistered(on flow: Flow) -> Bool {
    if let connection = flow.connection { return byConnection[connection] != nil }
    return byEndpoint[flow.remote] != nil
  }

  /// Call-ID and CSeq of the last REGISTER that a binding has seen.
  func lastRequest(of key: Binding.Key, in line: Int) -> (callID: String, sequence: UInt32)? {
    guard let index = index(of: key, in: line) else { return nil }
    return (
      lines[line].entries[index].binding.callID, lines[line].entries[index].binding.sequence
    )
  }

  /// Where a binding stands in its line; looked for in place, as entries are large.
  private func index(of key: Binding.Key, in line: Int) -> Int? {
    lines[line].entries.indices.first { lines[line].entries[$0].binding.key == key }
  }

  /// The same phone under other keys.
  func twins(
    of contact: Registration.Contact, in request: Registration, line: Int
  ) -> [Binding.Key] {
    let (key, source) = (contact.key(in: request), request.flow.remote.address)
    return lines[line].entries.indices.compactMap {
      lines[line].entries[$0].binding
        .isTwin(of: key, contact: contact.uri, callID: request.callID, from: source)
        ? lines[line].entries[$0].binding.key : nil
    }
  }

  /// Every live binding in order of its extension.
  func all(at wall: WallTime) -> [Binding] {
    places.keys.sorted().flatMap { bindings(of: $0, at: wall) }
  }

  /// The same, and before the replay has ended those whose connections are gone: their phones will be back.
  func attendance(at wall: WallTime) -> [Binding] {
    let gone = disconnected.values.filter { $0.expiresAt > wall }
    return all(at: wall) + gone.sorted { ($0.extension, $0.key) < ($1.extension, $1.key) }
  }

  /// Adds or refreshes a binding of a line; gives the change to write, if there is one to write.
  mutating func put(
    _ binding: Binding, in line: Int, granted: Duration, at now: Now
  ) -> BindingChange? {
    schedule(line, at: now.instant + granted)
    guard let index = index(of: binding.key, in: line) else {
      let entry = Entry(binding, granted: granted)
      // A phone comes seldom, and room for some more would take as much as they do.
      lines[line].entries.reserveCapacity(lines[line].entries.count + 1)
      lines[line].entries.append(entry)
      count += 1
      connect(binding)
      return .put(entry.durable)
    }
    guard lines[line].entries[index].binding.differsLastingly(from: binding) else {
      return refresh(
        index, in: line, sequence: binding.sequence, until: binding.expiresAt, granted: granted)
    }
    let old = lines[line].entries[index].binding
    if old.flow != binding.flow {
      disconnect(old)
      connect(binding)
    }
    let entry = Entry(binding, granted: granted)
    lines[line].entries[index] = entry
    return .put(entry.durable)
  }

  /// Only the age of the binding is another one.
  private mutating func refresh(
    _ index: Int, in line: Int, sequence: UInt32, until end: WallTime, granted: Duration
  ) -> BindingChange? {
    lines[line].entries[index].binding.sequence = sequence
    lines[line].entries[index].binding.expiresAt = end
    guard end > lines[line].entries[index].durableUntil else { return nil }
    lines[line].entries[index].durableUntil = end + Self.slack(for: granted)
    return .put(lines[line].entries[index].durable)
  }

  /// Refreshes the only binding of an extension where `isSame`, which changes nothing, says that nothing but its age would be
  /// another one.
  ///
  /// - Returns: Nil where it does not; else what to write, if there is anything.
  @inline(__always)
  mutating func refreshOnly(
    _ extension: ExtensionID, sequence: UInt32, granted: Duration, at now: Now,
    where isSame: (inout Binding) -> Bool
  ) -> [BindingChange]? {
    guard let line = places[`extension`], lines[line].entries.count == 1,
      isSame(&lines[line].entries[0].binding)
    else { return nil }
    schedule(line, at: now.instant + granted)
    let change = refresh(
      0, in: line, sequence: sequence, until: now.wall + granted, granted: granted)
    return change.map { [$0] } ?? []
  }

  mutating func remove(_ extension: ExtensionID, _ key: Binding.Key) -> BindingChange? {
    guard let line = places[`extension`], let index = index(of: key, in: line) else { return nil }
    disconnect(lines[line].entries.remove(at: index).binding)
    count -= 1
    return .removed(`extension`, key)
  }

  /// Removes what has run out.
  mutating func expire(at now: Now) -> [BindingChange] {
    var changes: [BindingChange] = []
    while let due = expiries.popDue(at: now.instant) {
      // What comes out sooner than its line is waited for has been overtaken.
      guard let line = places[due], let moment = lines[line].scheduled, moment <= now.instant
      else { continue }
      lines[line].scheduled = nil
      for entry in lines[line].entries where entry.binding.expiresAt <= now.wall {
        if let change = remove(due, entry.binding.key) { changes.append(change) }
      }
      if let rest = lines[line].entries.map(\.binding.expiresAt).min() {
        schedule(line, at: now.instant + max(.milliseconds(1), rest - now.wall))
      }
    }
    return changes
  }

  /// Removes every binding over a connection that is gone.
  mutating func closed(_ connection: FlowID) -> [BindingChange] {
    let dead = byConnection.removeValue(forKey: connection) ?? []
    return dead.sorted { ($0.extension, $0.key) < ($1.extension, $1.key) }
      .compactMap { remove($0.extension, $0.key) }
  }

  /// Removes the bindings of extensions that are no more, and those that may not stay.
  mutating func retain(
    where exists: (ExtensionID) -> Bool, stays: (Binding) -> Bool
  ) -> [BindingChange] {
    var changes: [BindingChange] = []
    for line in lines.sorted(by: { $0.extension < $1.extension }) {
      let goes = exists(line.extension) ? line.entries.filter { !stays($0.binding) } : line.entries
      changes += goes.compactMap { remove(line.extension, $0.binding.key) }
    }
    lines.removeAll { !exists($0.extension) }
    places = Dictionary(uniqueKeysWithValues: lines.indices.map { (lines[$0].extension, $0) })
    return changes
  }

  // MARK: - Replay

  /// Takes a written change back.
  ///
  /// Connections did not survive, so neither do bindings over them.
  mutating func replay(_ change: BindingChange) {
    switch change {
    case .removed(let `extension`, let key):
      _ = remove(`extension`, key)
      disconnected[Place(extension: `extension`, key: key)] = nil
    case .put(let binding):
      _ = remove(binding.extension, binding.key)
      let own = Place(extension: binding.extension, key: binding.key)
      guard binding.flow.connection == nil else {
        disconnected[own] = binding
        return
      }
      disconnected[own] = nil
      lines[place(for: binding.extension)].entries.append(
        Entry(binding, durableUntil: binding.expiresAt))
      count += 1
      connect(binding)
    }
  }

  /// Ends the replay: schedules the expiries, which need a clock.
  mutating func recovered(at now: Now) {
    departed = disconnected.values.filter { $0.expiresAt > now.wall }
      .sorted { ($0.extension, $0.key) < ($1.extension, $1.key) }
    disconnected = [:]
    for `extension` in places.keys.sorted() {
      guard let line = places[`extension`],
        let first = lines[line].entries.map(\.binding.expiresAt).min()
      else { continue }
      schedule(line, at: now.instant + max(.zero, first - now.wall))
    }
  }

  /// Who was there by a connection before a restart, as far as it has not run out; gone from here then.
  mutating func takeDeparted() -> [Binding] {
    defer { departed = [] }
    return departed
  }

  /// Every binding as the journal would have it, made when it is its turn.
  func checkpoint() -> some Sequence<BindingChange> {
    lines.sorted { $0.extension < $1.extension }.lazy
      .flatMap { $0.entries.lazy.map { BindingChange.put($0.durable) } }
  }

  /// The line of an extension: where its bindings are, or will be.
  mutating func place(for extension: ExtensionID) -> Int {
    if let known = places[`extension`] { return known }
    places[`extension`] = lines.count
    lines.append(Line(extension: `extension`))
    return lines.count - 1
  }

  /// Queues a line once, at the earliest moment that it asks for: refreshes move only the later ones.
  private mutating func schedule(_ line: Int, at moment: Instant) {
    guard lines[line].scheduled.map({ moment < $0 }) ?? true else { return }
    lines[line].scheduled = moment
    expiries.schedule(lines[line].extension, at: moment)
  }

  private mutating func connect(_ binding: Binding) {
    guard let connection = binding.flow.connection else {
      byEndpoint[binding.flow.remote, default: 0] += 1
      return
    }
    byConnection[connection, default: []].insert(
      Place(extension: binding.extension, key: binding.key))
  }

  private mutating func disconnect(_ binding: Binding) {
    guard let connection = binding.flow.connection else {
      let left = (byEndpoint[binding.flow.remote] ?? 1) - 1
      byEndpoint[binding.flow.remote] = left > 0 ? left : nil
      return
    }
    byConnection[connection]?.remove(Place(extension: binding.extension, key: binding.key))
    if byConnection[connection]?.isEmpty == true { byConnection[connection] = nil }
  }
}

extension Binding {
  /// Whether more than its age has changed.
  fileprivate func differsLastingly(from other: Binding) -> Bool {
    contact != other.contact || flow != other.flow || path != other.path
      || preference != other.preference || userAgent != other.userAgent
      || callID != other.callID || tenant != other.tenant || device != other.device
  }
}
