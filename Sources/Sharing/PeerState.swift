package import Elements

/// How it is with the list of one peer.
package struct PeerState: Hashable, Sendable {
  /// When it last answered; nil: not since the start.
  package var answeredAt: WallTime?
  /// Why nothing is heard of it, or not all; nil while all is well.
  package var complaint: String?
  /// Entries that had no effect since the start, and why the last one had none.
  package var ignored = 0
  package var lastIgnored: String?

  /// What the log knows of it.
  private var suspicions = Reticence()
  private var complaints = Reticence()
  private var toldComplaint: String?

  package init() {}

  /// Something in its list should not be there.
  ///
  /// - Returns: Of how many such entries to tell now; nil: of none.
  package mutating func suspect(_ count: Int, at now: Instant) -> Int? {
    suspicions.speak(of: count, at: now)
  }

  /// Its list is not heard.
  ///
  /// - Returns: Whether that is to be told now.
  package mutating func complain(_ complaint: String, at now: Instant) -> Bool {
    self.complaint = complaint
    guard complaint != toldComplaint, complaints.speak(of: 1, at: now) != nil else { return false }
    toldComplaint = complaint
    return true
  }

  /// It answers.
  ///
  /// - Returns: Whether that is to be told: who heard of a complaint hears of its end.
  package mutating func answer(at wall: WallTime) -> Bool {
    (answeredAt, complaint) = (wall, nil)
    defer { toldComplaint = nil }
    return toldComplaint != nil
  }
}

/// One peer as it is configured, and how it is.
package struct PeerStanding: Hashable, Sendable {
  package let peer: SharingSettings.Peer
  package let state: PeerState
  /// The number of the last entry that was heard.
  package let sequence: UInt64
  /// Networks that it lists now.
  package let listings: Int
}
