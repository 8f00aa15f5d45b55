import Elements

/// One call's media: its legs, which two of them are bridged, and its bounds.
struct MediaSession {
  struct Leg {
    let number: Int
    /// The address whose sockets serve it.
    let local: IPAddress
    /// Rows of its streams, in the order of the plan; nil for a rejected one.
    var streams: [Int?]
    /// Whether the switch knows its ports.
    var isAnnounced = false
  }

  /// What was told about silence, so that it is told once between two updates.
  enum Silence: Hashable {
    case none
    case both
    case leg(Int)
  }

  let id: MediaSessionID
  /// In ascending order of their numbers.
  var legs: [Leg] = []
  var bridge: LegPair?
  /// Whether `.opened` was told for the whole session.
  var isOpen = false

  var until: Instant?
  var isExpired = false
  var silenceAfter: Duration?
  var silence = Silence.none
  /// Silence counts from here at the earliest: the last bridge or update.
  var listeningSince: Instant
  /// When to look for silence next; nil: nobody is expected to be heard.
  var silenceCheckAt: Instant?
  var players: [TonePlayer] = []
  /// The earliest moment for which the deadline queue lists it.
  var scheduledAt: Instant?

  init(id: MediaSessionID, at now: Instant) {
    (self.id, listeningSince) = (id, now)
  }

  /// Where a leg is in ``legs``.
  ///
  /// Legs are looked at in their place: to take one out retains what it holds.
  func legIndex(_ number: Int) -> Int? {
    for index in legs.indices where legs[index].number == number { return index }
    return nil
  }
}
