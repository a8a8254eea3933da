// Module GuestImage.
