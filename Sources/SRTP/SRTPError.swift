/// Why a packet was not protected or not believed.
package enum SRTPError: Error, Hashable, Sendable {
  /// The tag is wrong: not from who holds the key, or damaged (A40).
  case unauthentic
  /// Seen before, or older than the replay window.
  case replayed
  /// No packet that can be read.
  case malformed
  /// The buffer has no room for the trailer.
  case noRoom
  /// More synchronization sources under one key than ``SRTPContext/maximumSources``.
  case tooManySources
  /// The key protected as many packets as it may.
  case keyExpired
  /// The crypto library refused; says what.
  case refused(String)
}
