import Glibc

/// The few things the journal asks of a disk; tests put one in between that fails on demand.
package protocol JournalDisk: Sendable {
  /// The names in `folder`; none when it is missing.
  func names(in folder: String) throws(DiskError) -> [String]
  /// Makes the folder when it is missing (mode 0700).
  func makeFolder(_ path: String) throws(DiskError)
  func open(_ path: String) throws(DiskError) -> JournalFile
  /// Makes a file of `sizeBytes` zeros whose blocks are all taken, and makes that durable.
  func create(_ path: String, sizeBytes: Int) throws(DiskError) -> JournalFile
  /// Makes `file` longer, or what stands behind `offset` zeros, with all blocks taken; not durable as yet.
  func fill(_ file: JournalFile, from offset: Int, to sizeBytes: Int) throws(DiskError)
  func read(_ file: JournalFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8]
  /// Writes all of `bytes` or throws.
  func write(_ bytes: [UInt8], to file: JournalFile, at offset: Int) throws(DiskError)
  /// Returns when everything written to `file` would survive a power cut.
  func sync(_ file: JournalFile) throws(DiskError)
  func close(_ file: JournalFile)
  /// Renames and makes the new name durable.
  func rename(_ path: String, to newPath: String) throws(DiskError)
  func remove(_ path: String) throws(DiskError)
}

/// An open file of the journal.
package struct JournalFile: Hashable, Sendable {
  package let descriptor: Int32
  package let path: String
  package let sizeBytes: Int

  package init(descriptor: Int32, path: String, sizeBytes: Int) {
    (self.descriptor, self.path, self.sizeBytes) = (descriptor, path, sizeBytes)
  }
}

/// A system call that failed, with the file it was for.
package struct DiskError: Error, Hashable, CustomStringConvertible {
  package let action: String
  package let path: String
  package let code: Int32

  package init(_ action: String, _ path: String, code: Int32) {
    (self.action, self.path, self.code) = (action, path, code)
  }

  package var description: String {
    let reason = "cannot \(action) \(path): \(String(cString: strerror(code)))."
    return switch code {
    case ENOSPC, EDQUOT: "\(reason) Free some space on that disk."
    case EACCES, EPERM, EROFS:
      "\(reason) Give the user the server runs as the right to write there."
    case EIO: "\(reason) The disk itself reports a fault; look at the kernel's log (dmesg)."
    case _: reason
    }
  }
}

/// The disk of the operating system.
package struct SystemDisk: JournalDisk {
  package init() {}

  package func names(in folder: String) throws(DiskError) -> [String] {
    guard let entries = opendir(folder) else {
      guard errno == ENOENT else { throw DiskError("read", folder, code: errno) }
      return []
    }
    defer { closedir(entries) }
    var names: [String] = []
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  package func makeFolder(_ path: String) throws(DiskError) {
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw DiskError("make", path, code: errno) }
  }

  package func open(_ path: String) throws(DiskError) -> JournalFile {
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError("open", path, code: errno) }
    let end = lseek(descriptor, 0, SEEK_END)
    guard end >= 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw DiskError("measure", path, code: code)
    }
    return JournalFile(descriptor: descriptor, path: path, sizeBytes: Int(end))
  }

  package func create(_ path: String, sizeBytes: Int) throws(DiskError) -> JournalFile {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DiskError("make", path, code: errno) }
    let file = JournalFile(descriptor: descriptor, path: path, sizeBytes: sizeBytes)
    do throws(DiskError) {
      try fill(file, from: 0, to: sizeBytes)
      try sync(file)
    } catch {
      Glibc.close(descriptor)
      unlink(path)
      throw error
    }
    return file
  }

  package func fill(
    _ file: JournalFile, from offset: Int, to sizeBytes: Int
  ) throws(DiskError) {
    let size = sizeBytes - offset
    let code = posix_fallocate(file.descriptor, off_t(offset), off_t(size))
    guard code == 0 else { throw DiskError("reserve \(size >> 20) MB for", file.path, code: code) }
    // Zeros, because the first write into a block that is only reserved costs a change of the
    // file's map, and with it a slower flush of the first entry.
    let zeros = [UInt8](repeating: 0, count: 64 << 10)
    for offset in stride(from: offset, to: sizeBytes, by: zeros.count) {
      let count = min(zeros.count, sizeBytes - offset)
      try write(count == zeros.count ? zeros : Array(zeros[..<count]), to: file, at: offset)
    }
  }

  package func read(
    _ file: JournalFile, at offset: Int, count: Int
  ) throws(DiskError) -> [UInt8] {
    var (bytes, code) = ([UInt8](repeating: 0, count: count), Int32(0))
    var done = 0
    bytes.withUnsafeMutableBytes { buffer in
      while done < count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        let got = pread(file.descriptor, rest.baseAddress, rest.count, off_t(offset + done))
        if got > 0 {
          done += got
        } else if got == 0 {
          return  // Shorter than asked: the end of the file.
        } else if errno != EINTR {
          code = errno
          return
        }
      }
    }
    guard code == 0 else { throw DiskError("read", file.path, code: code) }
    return done == count ? bytes : Array(bytes[..<done])
  }

  package func write(
    _ bytes: [UInt8], to file: JournalFile, at offset: Int
  ) throws(DiskError) {
    var (done, code) = (0, Int32(0))
    bytes.withUnsafeBytes { buffer in
      while done < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
        let put = pwrite(file.descriptor, rest.baseAddress, rest.count, off_t(offset + done))
        if put > 0 {
          done += put
        } else if put == 0 || errno != EINTR {
          code = put == 0 ? ENOSPC : errno
          return
        }
      }
    }
    guard code == 0 else { throw DiskError("write to", file.path, code: code) }
  }

  package func sync(_ file: JournalFile) throws(DiskError) {
    // Never repeated on failure: the kernel may have dropped the pages, and a second call would
    // then report success for bytes that are gone.
    guard fdatasync(file.descriptor) == 0 else { throw DiskError("flush", file.path, code: errno) }
  }

  package func close(_ file: JournalFile) { Glibc.close(file.descriptor) }

  package func rename(_ path: String, to newPath: String) throws(DiskError) {
    guard Glibc.rename(path, newPath) == 0 else { throw DiskError("rename", path, code: errno) }
    let folder = newPath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let descriptor = Glibc.open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError("open", folder, code: errno) }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw DiskError("flush", folder, code: errno) }
  }

  package func remove(_ path: String) throws(DiskError) {
    guard unlink(path) == 0 || errno == ENOENT else {
      throw DiskError("remove", path, code: errno)
    }
  }
}
