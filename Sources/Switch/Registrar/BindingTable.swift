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

  private var entries: [ExtensionID: [Entry]] = [:]
  /// Which bindings die with a connection.
  private var byConnection: [FlowID: Set<Place>] = [:]
  private var expiries = DeadlineQueue<ExtensionID>()
  private(set) var count = 0

  /// How far behind the phone's own expiry the journal's lies.
  static func slack(for granted: Duration) -> Duration { max(granted / 2, .seconds(600)) }

  /// When the next binding runs out, at the earliest.
  var deadline: Instant? { expiries.next }

  /// The live bindings of an extension, preferred ones first, then the newest.
  func bindings(of extension: ExtensionID, at wall: WallTime) -> [Binding] {
    guard let entries = entries[`extension`] else { return [] }
    if entries.count == 1 {
      return entries[0].binding.expiresAt > wall ? [entries[0].binding] : []
    }
    return entries.map(\.binding).filter { $0.expiresAt > wall }
      .sorted {
        ($1.preference, $1.registeredAt, $0.key) < ($0.preference, $0.registeredAt, $1.key)
      }
  }

  /// How many bindings an extension has at most: some may have run out.
  func knownCount(of extension: ExtensionID) -> Int { entries[`extension`]?.count ?? 0 }

  /// Whether a message on this flow comes from a registered phone of the extension.
  func isRegistered(_ extension: ExtensionID, on flow: Flow, at wall: WallTime) -> Bool {
    entries[`extension`]?.contains { $0.binding.flow == flow && $0.binding.expiresAt > wall }
      ?? false
  }

  func binding(of extension: ExtensionID, key: Binding.Key) -> Binding? {
    entries[`extension`]?.first { $0.binding.key == key }?.binding
  }

  /// Every live binding in order of its extension.
  func all(at wall: WallTime) -> [Binding] {
    entries.keys.sorted().flatMap { bindings(of: $0, at: wall) }
  }

  /// Adds or refreshes a binding; gives the change to write, if there is one to write.
  mutating func put(_ binding: Binding, granted: Duration, at now: Now) -> BindingChange? {
    let place = Place(extension: binding.extension, key: binding.key)
    schedule(binding.extension, at: now.instant + granted)
    let found = entries[binding.extension]?.firstIndex { $0.binding.key == binding.key }
    guard let index = found else {
      let entry = Entry(
        binding: binding, durableUntil: binding.expiresAt + Self.slack(for: granted))
      entries[binding.extension, default: []].append(entry)
      count += 1
      connect(place, to: binding.flow)
      return .put(entry.durable)
    }
    guard var entry = entries[binding.extension]?[index] else { return nil }
    let changed = entry.binding.differsLastingly(from: binding)
    if entry.binding.flow != binding.flow {
      disconnect(place, from: entry.binding.flow)
      connect(place, to: binding.flow)
    }
    let registeredAt = entry.binding.registeredAt
    entry.binding = binding
    entry.binding.registeredAt = changed ? binding.registeredAt : registeredAt
    let isWorthWriting = changed || binding.expiresAt > entry.durableUntil
    if isWorthWriting { entry.durableUntil = binding.expiresAt + Self.slack(for: granted) }
    entries[binding.extension]?[index] = entry
    return isWorthWriting ? .put(entry.durable) : nil
  }

  mutating func remove(_ extension: ExtensionID, _ key: Binding.Key) -> BindingChange? {
    guard let index = entries[`extension`]?.firstIndex(where: { $0.binding.key == key }),
      let entry = entries[`extension`]?.remove(at: index)
    else { return nil }
    if entries[`extension`]?.isEmpty == true { entries[`extension`] = nil }
    disconnect(Place(extension: `extension`, key: key), from: entry.binding.flow)
    count -= 1
    return .removed(`extension`, key)
  }

  /// Removes what has run out.
  mutating func expire(at now: Now) -> [BindingChange] {
    var changes: [BindingChange] = []
    while let due = expiries.popDue(at: now.instant) {
      guard let list = entries[due] else { continue }
      for entry in list where entry.binding.expiresAt <= now.wall {
        if let change = remove(due, entry.binding.key) { changes.append(change) }
      }
      let rest = entries[due]?.map(\.binding.expiresAt).min()
      if let rest {
        schedule(due, at: now.instant + max(.milliseconds(1), rest - now.wall))
      }
    }
    return changes
  }

  /// Removes every binding over a connection that is gone.
  mutating func closed(_ connection: FlowID) -> [BindingChange] {
    let places = byConnection.removeValue(forKey: connection) ?? []
    return places.sorted { ($0.extension, $0.key) < ($1.extension, $1.key) }
      .compactMap { remove($0.extension, $0.key) }
  }

  /// Removes the bindings of extensions that are no more.
  mutating func retain(where exists: (ExtensionID) -> Bool) -> [BindingChange] {
    var changes: [BindingChange] = []
    for `extension` in entries.keys.sorted() where !exists(`extension`) {
      for entry in entries[`extension`] ?? [] {
        if let change = remove(`extension`, entry.binding.key) { changes.append(change) }
      }
    }
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
    case .put(let binding):
      _ = remove(binding.extension, binding.key)
      guard binding.flow.connection == nil else { return }
      entries[binding.extension, default: []].append(
        Entry(binding: binding, durableUntil: binding.expiresAt))
      count += 1
    }
  }

  /// Ends the replay: schedules the expiries, which need a clock.
  mutating func recovered(at now: Now) {
    for `extension` in entries.keys.sorted() {
      guard let first = entries[`extension`]?.map(\.binding.expiresAt).min() else { continue }
      schedule(`extension`, at: now.instant + max(.zero, first - now.wall))
    }
  }

  /// Every binding as the journal would have it.
  func checkpoint() -> [BindingChange] {
    entries.keys.sorted().flatMap { (entries[$0] ?? []).map { .put($0.durable) } }
  }

  private mutating func schedule(_ extension: ExtensionID, at moment: Instant) {
    expiries.schedule(`extension`, at: moment)
  }

  private mutating func connect(_ place: Place, to flow: Flow) {
    guard let connection = flow.connection else { return }
    byConnection[connection, default: []].insert(place)
  }

  private mutating func disconnect(_ place: Place, from flow: Flow) {
    guard let connection = flow.connection else { return }
    byConnection[connection]?.remove(place)
    if byConnection[connection]?.isEmpty == true { byConnection[connection] = nil }
  }
}

extension Binding {
  /// Whether more than its age has changed.
  fileprivate func differsLastingly(from other: Binding) -> Bool {
    contact != other.contact || flow != other.flow || path != other.path
      || preference != other.preference || userAgent != other.userAgent
      || callID != other.callID || tenant != other.tenant
  }
}
