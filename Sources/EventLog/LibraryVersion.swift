import CLMDB

extension EventLog {
    /// Name and version of the library that keeps the log.
    package static var library: String { unsafe String(cString: mdb_version(nil, nil, nil)) }
}
