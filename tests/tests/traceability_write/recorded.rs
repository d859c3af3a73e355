//! Writing through the recorder.
