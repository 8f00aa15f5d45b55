import Elements
import Foundation

/// Speaks ACME with one authority (RFC 8555): its directory, our account, signed requests with fresh nonces.
actor AuthorityClient {
  /// What the directory says (§7.1.1).
  private struct Directory: Decodable {
    struct Meta: Decodable { var externalAccountRequired: Bool? }

    let newNonce: String
    let newAccount: String
    let newOrder: String
    var meta: Meta?
  }

  private struct NewAccount: Encodable {
    let contact: [String]
    let termsOfServiceAgreed = true
  }

  private struct ProblemDocument: Decodable {
    var type: String?
    var detail: String?
  }

  /// An answer that was no refusal.
  struct Reply: Sendable {
    let body: Data
    let location: String?
    let retryAfterSeconds: Int?
  }

  /// A nonce that is refused brings a fresh one with it (§6.5).
  ///
  /// An order takes some ten requests and its failure an hour's wait: an authority that refuses many must not end one.
  private static let triesForNonce = 16

  private let web: WebClient
  private let address: String
  private let contacts: [String]
  private let key: AccountKey
  private var known: (directory: Directory, account: String)?
  private var nonce: String?

  /// `contacts` are addresses of mail, without "mailto:".
  init(_ address: String, key: AccountKey, contacts: [String], authorities: String?) {
    (self.address, self.key) = (address, key)
    self.contacts = contacts.map { "mailto:\($0)" }
    web = WebClient(authorities: authorities)
  }

  nonisolated func authorization(of token: String) -> String { key.authorization(of: token) }

  /// Where new orders go; makes the account before, which is there already from the second time on (§7.3).
  func orders() async throws(AuthorityError) -> String {
    if let known { return known.directory.newOrder }
    let answer = try await web.send(.get, to: address)
    guard answer.status == 200 else { throw Self.refusal(answer) }
    let directory: Directory = try Self.decode(answer.body, "the directory")
    guard directory.meta?.externalAccountRequired != true else { throw .accountNeeded }
    let reply = try await signed(
      NewAccount(contact: contacts), to: directory.newAccount, as: .key, directory)
    guard let account = reply.location else { throw .nonsense("an account without an address") }
    known = (directory, account)
    return directory.newOrder
  }

  /// Sends something in the name of the account.
  func post(
    _ payload: some Encodable & Sendable, to url: String
  ) async throws(AuthorityError)
    -> Reply
  {
    guard let known else { throw .nonsense("no account yet") }
    return try await signed(payload, to: url, as: .account(known.account), known.directory)
  }

  /// Reads in the name of the account (§6.3).
  func read(_ url: String) async throws(AuthorityError) -> Reply {
    guard let known else { throw .nonsense("no account yet") }
    return try await signed(
      nil as Bool?, to: url, as: .account(known.account), known.directory)
  }

  private func signed(
    _ payload: (some Encodable & Sendable)?, to url: String, as signer: SignedMessage.Signer,
    _ directory: Directory
  ) async throws(AuthorityError) -> Reply {
    for _ in 0..<Self.triesForNonce {
      let bytes: Data
      let fresh = try await takeNonce(directory)
      do {
        bytes = try SignedMessage(payload, to: url, nonce: fresh, signer: signer, key: key).bytes
      } catch {
        throw .nonsense("it cannot be signed: \(error)")
      }
      let answer = try await web.send(.post(bytes), to: url)
      nonce = answer.nonce
      if (200...299).contains(answer.status) {
        return Reply(
          body: answer.body, location: answer.location,
          retryAfterSeconds: answer.retryAfterSeconds)
      }
      let refusal = Self.refusal(answer)
      guard case .refused(let problem) = refusal, problem.type == "badNonce" else { throw refusal }
    }
    throw .nonsense("it refuses each nonce that it has given")
  }

  private func takeNonce(_ directory: Directory) async throws(AuthorityError) -> String {
    if let nonce {
      self.nonce = nil
      return nonce
    }
    let answer = try await web.send(.head, to: directory.newNonce)
    guard let nonce = answer.nonce else { throw .nonsense("no nonce was given") }
    return nonce
  }

  private static func refusal(_ answer: WebClient.Answer) -> AuthorityError {
    let problem = try? JSONDecoder().decode(ProblemDocument.self, from: answer.body)
    return .refused(
      AuthorityError.Problem(
        type: problem?.type, detail: problem?.detail ?? "it answered \(answer.status)"))
  }

  static func decode<Value: Decodable>(
    _ body: Data, _ what: String
  ) throws(AuthorityError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: body)
    } catch {
      throw .nonsense("\(what) cannot be read")
    }
  }
}
