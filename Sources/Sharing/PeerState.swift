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
