import Synchronization

/// What is noted of the renewals of certificates, also while the disk takes no note.
///
/// What could not be written counts until something can be: a failure that is forgotten would have the
/// authority asked again at once, and again, until its limits are used up.
package final class RenewalNotes: Sendable {
  private let unwritten = Mutex<[String: IssuedCertificate.Note]>([:])

  package init() {}

  /// The newest plan for the certificate of `name`, of this authority.
  package func note(
    of shelf: IssuedCertificate, for directory: String
  )
    -> IssuedCertificate.Note
  {
    if let note = unwritten.withLock({ $0[shelf.name] }), note.directory == directory {
      return note
    }
    return shelf.note(for: directory)
  }

  /// Writes the note down, or keeps it where that fails.
  package func keep(_ note: IssuedCertificate.Note, of shelf: IssuedCertificate) throws {
    do {
      try shelf.write(note)
      unwritten.withLock { $0[shelf.name] = nil }
    } catch {
      unwritten.withLock { $0[shelf.name] = note }
      throw error
    }
  }
}
