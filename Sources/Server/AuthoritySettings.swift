import ACME
import ConfigurationFiles
import Elements

/// An authority and what is wanted of it, whole.
struct AuthoritySettings: Hashable, Sendable {
  let directory: String
  let names: [String]
  /// Addresses of mail, for what the authority has to say.
  let contacts: [String]
  /// Where it finds the answers to its challenges.
  let listeners: [Endpoint]

  /// Opens the port at which it looks.
  func listen(answering board: ChallengeBoard) throws(ConfigurationError) -> ChallengeListener {
    do throws(ChallengeListener.Failure) {
      return try ChallengeListener(listeners, board: board)
    } catch {
      throw ConfigurationError(
        field: "acme_http", problem: error.description,
        wayOut: "Free the port, or name another one and lead port 80 of the names there.")
    }
  }
}
