"""What more than one stage needs: errors, files, settings, storage, tracking."""
